/**
 * What a client asks on a new bidirectional stream, ALPN `perf`: one byte that names it and a big-endian u64, then FIN.
 *
 * - `D` n: n bytes and FIN
 * - `R`: the request has `ROUND_BYTES` in all, so has the answer
 * - `G` ms: DATAGRAMs of `DATAGRAM_BYTES` for so many milliseconds, then how many were sent as a u64, and FIN
 */
export type Command = 'D' | 'R' | 'G';

const COMMANDS: readonly Command[] = ['D', 'R', 'G'];
const COMMAND_CODES = COMMANDS.map((command) => command.charCodeAt(0));

export const ALPN = 'perf';
export const REQUEST_BYTES = 9;
export const ROUND_BYTES = 1024;
export const DATAGRAM_BYTES = 1200;
export const COUNT_BYTES = 8;
/** Application errors (RFC 9000 §20.2). */
export const DONE = 0;
export const BAD_REQUEST = 1;

/** @param size of the request, padded with zeros */
export const encodeRequest = (command: Command, value = 0, size = REQUEST_BYTES): Uint8Array => {
  const request = new Uint8Array(size);
  request[0] = command.charCodeAt(0);
  new DataView(request.buffer).setBigUint64(1, BigInt(value));
  return request;
};

export interface Request {
  readonly command: Command;
  readonly value: number;
}

/** @returns undefined for what no command begins with, or a value that no number can hold exactly */
export const decodeRequest = (bytes: Uint8Array): Request | undefined => {
  if (bytes.length < REQUEST_BYTES) return undefined;
  const command = COMMANDS[COMMAND_CODES.indexOf(bytes[0] as number)];
  if (command === undefined) return undefined;
  let value = 0;
  for (let i = 1; i < REQUEST_BYTES; i++) value = 256 * value + (bytes[i] as number);
  return Number.isSafeInteger(value) ? { command, value } : undefined;
};

export const encodeCount = (count: number): Uint8Array => {
  const bytes = new Uint8Array(COUNT_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count));
  return bytes;
};

export const decodeCount = (bytes: Uint8Array): number =>
  bytes.length < COUNT_BYTES ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
