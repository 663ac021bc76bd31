// Written by scripts/bpf/build.ts from what the compiler says of bpf/: not by hand.
import { record } from '#host/bpf/record.ts';

/** struct decap */
export const Decap = record(2, {
  port: { at: 0, width: 2, isBig: true },
});

export const MAPS = {

} as const;

/** Where constants lie in their section, which has so many bytes. */
export const CONSTANTS = {
  decap: { at: 0, record: Decap },
} as const;
export const CONSTANT_BYTES = 2;
