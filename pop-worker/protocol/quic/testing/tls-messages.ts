import { extensionOf, TRANSPORT_PARAMETERS_EXTENSION } from '../versions/client-hello.ts';

/** Messages of the test handshake: type, 24-bit length, fields each with a 16-bit length. */
export const Message = { clientHello: 1, serverHello: 2, ticket: 4, finished: 20 } as const;

const MAX_MESSAGE_BYTES = 65_536;

export const message = (type: number, parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + 2 + part.length, 0);
  const out = new Uint8Array(4 + length);
  out.set([type, length >> 16, length >> 8, length]);
  let at = 4;
  for (const part of parts) {
    out.set([part.length >> 8, part.length], at);
    out.set(part, at + 2);
    at += 2 + part.length;
  }
  return out;
};

const OWN_EXTENSION = 0xffa5;
const EMPTY_HELLO = [3, 3, ...new Uint8Array(32), 0, 0, 2, 0x13, 0x01, 1, 0];

const extension = (type: number, data: Uint8Array): number[] => [
  type >> 8,
  type & 255,
  data.length >> 8,
  data.length & 255,
  ...data,
];

/** A ClientHello in the form of TLS, since QUIC reads its transport parameters; ours are the fields in another extension. */
export const clientHello = (transportParameters: Uint8Array, parts: readonly Uint8Array[]): Uint8Array => {
  const own = message(0, parts).subarray(4);
  const extensions = [
    ...extension(TRANSPORT_PARAMETERS_EXTENSION, transportParameters),
    ...extension(OWN_EXTENSION, own),
  ];
  const body = [...EMPTY_HELLO, extensions.length >> 8, extensions.length & 255, ...extensions];
  return Uint8Array.of(Message.clientHello, body.length >> 16, body.length >> 8, body.length, ...body);
};

/** @returns no fields at all when there are none */
export const helloFields = (body: Uint8Array): Uint8Array[] => {
  const prefix = [Message.clientHello, body.length >> 16, body.length >> 8, body.length];
  return fields(extensionOf(Uint8Array.of(...prefix, ...body), OWN_EXTENSION) ?? new Uint8Array());
};

/** @returns no fields at all when they do not add up */
export const fields = (body: Uint8Array): Uint8Array[] => {
  const out: Uint8Array[] = [];
  let at = 0;
  while (at + 2 <= body.length) {
    const length = ((body[at] as number) << 8) | (body[at + 1] as number);
    out.push(body.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return at === body.length ? out : [];
};

/** Puts messages together from CRYPTO bytes. */
export class MessageReader {
  #bytes = new Uint8Array();

  /** @returns `false` when a message is longer than any may be */
  push(data: Uint8Array): boolean {
    const joined = new Uint8Array(this.#bytes.length + data.length);
    joined.set(this.#bytes);
    joined.set(data, this.#bytes.length);
    this.#bytes = joined;
    return joined.length <= MAX_MESSAGE_BYTES;
  }

  next(): { type: number; body: Uint8Array } | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 4) return undefined;
    const length = ((bytes[1] as number) << 16) | ((bytes[2] as number) << 8) | (bytes[3] as number);
    if (bytes.length < 4 + length) return undefined;
    this.#bytes = bytes.slice(4 + length);
    return { type: bytes[0] as number, body: bytes.subarray(4, 4 + length) };
  }
}
