import { CeaseSubcode, ErrorCode } from '../errors.ts';
import type { Notification } from './notification.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** Of a Shutdown Communication (RFC 9003 §2). */
export const MAX_SHUTDOWN_BYTES = 255;

const NOTHING = new Uint8Array(0);

/** @param text is cut behind the last character that fits 255 bytes of UTF-8 */
export const cease = (subcode: number, text = ''): Notification => {
  const encoded = encodeUtf8(text, MAX_SHUTDOWN_BYTES);
  const data = encoded.length === 0 ? NOTHING : Uint8Array.of(encoded.length, ...encoded);
  return { code: ErrorCode.cease, subcode, data };
};

/**
 * The Shutdown Communication of a received NOTIFICATION (RFC 9003 §2, of a Hard Reset that of the one inside).
 *
 * @returns undefined when there is none, or what is there is not well formed (§4: to be logged, nothing else)
 */
export const shutdownText = (notification: Notification): string | undefined => {
  const { code, subcode, data } = innerOf(notification);
  const hasText =
    code === ErrorCode.cease &&
    (subcode === CeaseSubcode.administrativeShutdown || subcode === CeaseSubcode.administrativeReset);
  const length = data[0] ?? 0;
  if (!hasText || length === 0 || length !== data.length - 1) return undefined;
  return decodeUtf8(data.subarray(1));
};

/** A Cease, Hard Reset around another NOTIFICATION (RFC 8538 §3.1). */
export const hardReset = ({ code, subcode, data }: Notification): Notification => ({
  code: ErrorCode.cease,
  subcode: CeaseSubcode.hardReset,
  data: Uint8Array.of(code, subcode, ...data),
});

/** What a Hard Reset holds; of anything else itself. */
export const innerOf = (notification: Notification): Notification => {
  const { code, subcode, data } = notification;
  if (code !== ErrorCode.cease || subcode !== CeaseSubcode.hardReset || data.length < 2) return notification;
  return { code: data[0] as number, subcode: data[1] as number, data: data.subarray(2) };
};
