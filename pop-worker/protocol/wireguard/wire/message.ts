import { COOKIE_REPLY_BYTES } from './cookie-reply.ts';
import { INITIATION_BYTES } from './initiation.ts';
import { RESPONSE_BYTES } from './response.ts';
import { LEAST_TRANSPORT_BYTES } from './transport.ts';

/** The first byte; three reserved zeros follow (paper §5.4). */
export const MessageType = { none: 0, initiation: 1, response: 2, cookieReply: 3, transport: 4 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Exact lengths; a transport message has at least its own. */
const BYTES: readonly number[] = [0, INITIATION_BYTES, RESPONSE_BYTES, COOKIE_REPLY_BYTES];

export const readWord = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)) >>>
  0;

export const writeWord = (bytes: Uint8Array, at: number, word: number): void => {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
};

/** What `length` bytes from `at` on are by type and length, which are looked at together: `none` where they do not agree. */
export const messageType = (bytes: Uint8Array, at: number, length: number): MessageType => {
  if (length < 4) return MessageType.none;
  const type = readWord(bytes, at);
  if (type === MessageType.transport) return length >= LEAST_TRANSPORT_BYTES ? type : MessageType.none;
  return type !== 0 && type < MessageType.transport && BYTES[type] === length
    ? (type as MessageType)
    : MessageType.none;
};
