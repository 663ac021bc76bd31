import { Reader } from '../wire/reader.ts';

const CLIENT_HELLO = 1;
/** RFC 9001 §8.2: quic_transport_parameters. */
export const TRANSPORT_PARAMETERS_EXTENSION = 0x39;
/** handshake type and length */
const PREFIX_BYTES = 4;

/** Bytes of the handshake message that begins there, -1 as long as that is not known (RFC 8446 §4). */
export const messageLength = (bytes: Uint8Array): number => {
  if (bytes.length < PREFIX_BYTES) return -1;
  return PREFIX_BYTES + (((bytes[1] as number) << 16) | ((bytes[2] as number) << 8) | (bytes[3] as number));
};

/**
 * The contents of an extension of a ClientHello (RFC 8446 §4.1.2). TLS judges the message; here only what stands in it is
 * looked at, before TLS is asked.
 *
 * @param message the whole of it, with type and length
 * @returns undefined: it has none, or is not a ClientHello that can be read
 */
export const extensionOf = (message: Uint8Array, wanted: number): Uint8Array | undefined => {
  if (message[0] !== CLIENT_HELLO || messageLength(message) !== message.length) return undefined;
  const reader = new Reader().reset(message, PREFIX_BYTES, message.length);
  try {
    reader.skip(2 + 32);
    reader.skip(reader.u8());
    reader.skip(reader.u16());
    reader.skip(reader.u8());
    if (reader.u16() !== reader.remaining) return undefined;
    while (reader.remaining > 0) {
      const type = reader.u16();
      const length = reader.u16();
      const start = reader.skip(length);
      if (type === wanted) return message.subarray(start, start + length);
    }
  } catch {
    // TLS will say what is wrong with it.
  }
  return undefined;
};
