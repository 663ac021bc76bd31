/** End-of-stream flag of Connect's envelope. */
const END = 2;
const HEADER_BYTES = 5;
/** A larger message ends the stream. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Wraps the one request message of a server-streaming call: flags, length, JSON. */
export const envelope = (json: string): Uint8Array<ArrayBuffer> => {
  const body = new TextEncoder().encode(json);
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(bytes.buffer).setUint32(1, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
};

/**
 * Turns a Connect stream of JSON messages into server-sent events (one `message` each, `id` from its `position`), with
 * an `error` event when it ended in one. Chunks may be cut anywhere.
 */
export const toEventStream = (): TransformStream<Uint8Array, Uint8Array> => {
  let pending = new Uint8Array(0);
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  return new TransformStream({
    transform: (chunk, controller) => {
      const joined = new Uint8Array(pending.length + chunk.length);
      joined.set(pending);
      joined.set(chunk, pending.length);
      pending = joined;
      while (pending.length >= HEADER_BYTES) {
        const length = new DataView(pending.buffer, pending.byteOffset).getUint32(1);
        if (length > MAX_MESSAGE_BYTES) throw new RangeError(`a message of ${length} bytes`);
        if (pending.length < HEADER_BYTES + length) return;
        const json = decoder.decode(pending.subarray(HEADER_BYTES, HEADER_BYTES + length));
        const text = eventText(pending[0] as number, json);
        if (text !== '') controller.enqueue(encoder.encode(text));
        pending = pending.slice(HEADER_BYTES + length);
      }
    },
  });
};

const eventText = (flags: number, json: string): string => {
  if ((flags & END) === 0) {
    const { position } = JSON.parse(json) as { position?: string };
    return `${position === undefined ? '' : `id: ${position}\n`}data: ${json}\n\n`;
  }
  const { error } = JSON.parse(json) as { error?: unknown };
  return error === undefined ? '' : `event: error\ndata: ${JSON.stringify(error)}\n\n`;
};
