import type { DevicePast } from '#protocol/mesh/presence/ticket-age.ts';

/** What the edge puts into a device's tickets: who it is, where and since which move it was there, what its token was. */
export interface DeviceTicket extends DevicePast {
  /** The device within the fleet: tenant/device. */
  readonly tenant: string;
  readonly device: string;
  readonly tokenId: string;
  /** Of the token, in seconds since 1970. */
  readonly expiresAt: number;
}

/** First byte. Tickets of another format are resumed by, and nothing of them is known. */
const FORMAT = 1;
/** Format (1), epoch (6), member (2), expiry (6). */
const HEAD_BYTES = 15;
const MOST_NAME_BYTES = 255;
const TWO_32 = 2 ** 32;
const MOST_48 = 2 ** 48 - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

const put48 = (view: DataView, at: number, value: number): void => {
  const whole = Math.min(MOST_48, Math.max(0, Math.floor(value)));
  view.setUint16(at, Math.floor(whole / TWO_32));
  view.setUint32(at + 2, whole % TWO_32);
};

/** @returns undefined when a name is too long for a ticket: there is none then */
export const writeDeviceTicket = (ticket: DeviceTicket): Uint8Array | undefined => {
  const names = [ticket.tenant, ticket.device, ticket.tokenId].map((text) => encoder.encode(text));
  if (names.some(({ length }) => length > MOST_NAME_BYTES)) return undefined;
  const bytes = new Uint8Array(names.reduce((sum, { length }) => sum + 1 + length, HEAD_BYTES));
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  put48(view, 1, ticket.epoch);
  view.setUint16(7, ticket.member);
  put48(view, 9, ticket.expiresAt);
  let at = HEAD_BYTES;
  for (const name of names) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    at += 1 + name.length;
  }
  return bytes;
};

const get48 = (view: DataView, at: number): number => view.getUint16(at) * TWO_32 + view.getUint32(at + 2);

/** @returns undefined for what another release may have written, or nobody: all of it is to be understood, or nothing is */
export const readDeviceTicket = (bytes: Uint8Array): DeviceTicket | undefined => {
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  let at = HEAD_BYTES;
  for (let i = 0; i < 3; i++) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (at >= bytes.length || end > bytes.length) return undefined;
    try {
      names.push(decoder.decode(bytes.subarray(at + 1, end)));
    } catch {
      return undefined;
    }
    at = end;
  }
  const [tenant, device, tokenId] = names;
  const member = view.getUint16(7);
  if (at !== bytes.length || member === 0 || !tenant || !device || tokenId === undefined) return undefined;
  return { tenant, device, tokenId, member, epoch: get48(view, 1), expiresAt: get48(view, 9) };
};
