import { native } from '../native.ts';

/** `sumWords` of `protocol/ip/checksum.ts`, done by the packet engine: worth it from about 100 bytes on. */
export const nativeSum: (buffer: Uint8Array, start: number, end: number) => number = native.checksumSum;
