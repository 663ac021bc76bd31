import { Bpf, BpfProgram } from '#host/udp/classic-bpf.ts';
import { addressFamily } from '#protocol/address.ts';
import { HOP_LIMIT } from '#protocol/bfd/options.ts';

/** In front of offsets: where the IP header begins. */
const NETWORK = 0xfff0_0000;
const ALL = 0xffff_ffff;
const NONE = 0;

/** Where hop limit and source address lie in an IP header, and the address's words. */
const HEADERS = {
  4: { hopLimit: 8, source: 12, words: 1 },
  6: { hopLimit: 7, source: 8, words: 4 },
} as const;

/** What a receiver lets through. */
export interface Wanted {
  readonly family: 4 | 6;
  /** Only what has not been through a router (RFC 5881 §5). */
  readonly singleHop: boolean;
  /** Only from these hosts; undefined: from all (RFC 5881 §6). */
  readonly sources: readonly Int32Array[] | undefined;
}

/**
 * A program that drops in the kernel what no session can want, so that a flood of strangers neither costs this thread
 * anything nor fills the room that packets of neighbours wait in.
 */
export const receiveFilter = ({ family, singleHop, sources }: Wanted): Uint8Array => {
  const { hopLimit, source, words } = HEADERS[family];
  const program = new BpfProgram();
  if (singleHop) {
    program
      .add(Bpf.loadByte, NETWORK + hopLimit)
      .add(Bpf.jumpIfEqual, HOP_LIMIT, 1, 0)
      .add(Bpf.return, NONE);
  }
  for (const address of sources ?? []) {
    if (addressFamily(address) !== family) continue;
    const bytes = new DataView(address.buffer, address.byteOffset + 2 * Int32Array.BYTES_PER_ELEMENT, 4 * words);
    for (let word = 0; word < words; word++) {
      program.add(Bpf.loadWord, NETWORK + source + 4 * word);
      // To behind this source's acceptance.
      program.add(Bpf.jumpIfEqual, bytes.getUint32(4 * word), 0, 2 * (words - word - 1) + 1);
    }
    program.add(Bpf.return, ALL);
  }
  program.add(Bpf.return, sources === undefined ? ALL : NONE);
  return program.bytes();
};
