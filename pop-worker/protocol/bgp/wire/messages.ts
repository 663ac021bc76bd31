import { checkHeader, HEADER_BYTES, MessageType } from './header.ts';

/**
 * Whoever acts on messages. Each is a range of the receive buffer without its header, lent for the call. A method tells
 * whether the next message may follow: false once the session has ended.
 */
export interface MessageSink {
  open(buffer: Uint8Array, start: number, end: number): boolean;
  update(buffer: Uint8Array, start: number, end: number): boolean;
  notification(buffer: Uint8Array, start: number, end: number): boolean;
  keepalive(): boolean;
  routeRefresh(buffer: Uint8Array, start: number, end: number): boolean;
}

/**
 * Hands over every whole message of a receive buffer, in order. A header is checked as soon as it is there, so that a
 * bad length is not waited for.
 *
 * @param largest the largest message that we take
 * @returns where the first message begins that is not whole yet, or was not asked for any more
 * @throws BgpError remote when a header is bad; what came before it was handed over; or whatever the sink throws
 */
export const readMessages = (
  buffer: Uint8Array,
  start: number,
  end: number,
  largest: number,
  sink: MessageSink,
): number => {
  let at = start;
  while (end - at >= HEADER_BYTES) {
    const next = at + checkHeader(buffer, at, largest);
    if (next > end) break;
    const goesOn = handOver(buffer, at, next, sink);
    at = next;
    if (!goesOn) break;
  }
  return at;
};

const handOver = (buffer: Uint8Array, at: number, end: number, sink: MessageSink): boolean => {
  const body = at + HEADER_BYTES;
  switch (buffer[body - 1]) {
    case MessageType.update:
      return sink.update(buffer, body, end);
    case MessageType.open:
      return sink.open(buffer, body, end);
    case MessageType.notification:
      return sink.notification(buffer, body, end);
    case MessageType.routeRefresh:
      return sink.routeRefresh(buffer, body, end);
    default:
      return sink.keepalive();
  }
};
