import { adjust, checksum, pseudoHeaderSum, readWord, writeWord } from './checksum.ts';
import { Fragment, type IpView, Protocol } from './view.ts';

/** [request, reply] of each version (RFC 792, RFC 4443 §4). */
const TYPES = { 4: [8, 0], 6: [128, 129] } as const;
const HEADER_BYTES = 8;

/** What a packet is, if it is an echo message, whole. */
export const echoOf = (buffer: Uint8Array, view: IpView): 'request' | 'reply' | undefined => {
  const { version, protocol, payloadAt, end, fragment } = view;
  if (protocol !== (version === 4 ? Protocol.icmp : Protocol.icmp6)) return undefined;
  if (fragment !== Fragment.none || end - payloadAt < HEADER_BYTES || buffer[payloadAt + 1] !== 0) return undefined;
  const [request, reply] = TYPES[version];
  const type = buffer[payloadAt];
  return type === request ? 'request' : type === reply ? 'reply' : undefined;
};

/** Identifier and sequence number, as one number. */
export const echoNumber = (buffer: Uint8Array, { payloadAt }: IpView): number =>
  readWord(buffer, payloadAt + 4) * 65_536 + readWord(buffer, payloadAt + 6);

/** Turns a request into its reply where it lies. Both checksums stay right: addresses only change places. */
export const answerEcho = (buffer: Uint8Array, view: IpView): void => {
  const { version, sourceAt, destinationAt, addressBytes, payloadAt } = view;
  const source = buffer.slice(sourceAt, sourceAt + addressBytes);
  buffer.copyWithin(sourceAt, destinationAt, destinationAt + addressBytes);
  buffer.set(source, destinationAt);
  const [request, reply] = TYPES[version];
  buffer[payloadAt] = reply;
  writeWord(buffer, payloadAt + 2, adjust(readWord(buffer, payloadAt + 2), request << 8, reply << 8));
};

/** Where the data of an echo message begins. */
export const echoDataAt = ({ payloadAt }: IpView): number => payloadAt + HEADER_BYTES;

/**
 * An echo request.
 *
 * @param from, to 4 or 16 bytes
 * @param number identifier and sequence number, as `echoNumber` reads them
 * @param data which comes back with the reply
 */
export const echoRequest = (from: Uint8Array, to: Uint8Array, number: number, data: Uint8Array): Uint8Array => {
  const isV4 = from.length === 4;
  const at = isV4 ? 20 : 40;
  const bytes = HEADER_BYTES + data.length;
  const out = new Uint8Array(at + bytes);
  out.set(data, at + HEADER_BYTES);
  out[0] = isV4 ? 0x45 : 0x60;
  writeWord(out, isV4 ? 2 : 4, isV4 ? out.length : bytes);
  out[isV4 ? 9 : 6] = isV4 ? Protocol.icmp : Protocol.icmp6;
  out[isV4 ? 8 : 7] = 64;
  out.set(from, isV4 ? 12 : 8);
  out.set(to, isV4 ? 16 : 24);
  if (isV4) writeWord(out, 10, checksum(out, 0, 20));
  out[at] = TYPES[isV4 ? 4 : 6][0];
  writeWord(out, at + 4, Math.floor(number / 65_536));
  writeWord(out, at + 6, number % 65_536);
  const pseudo = isV4 ? 0 : pseudoHeaderSum(out, 8, 32, Protocol.icmp6, bytes);
  writeWord(out, at + 2, checksum(out, at, out.length, pseudo));
  return out;
};
