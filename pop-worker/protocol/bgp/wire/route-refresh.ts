import { ErrorCode, HeaderSubcode, RouteRefreshSubcode, remoteError } from '../errors.ts';
import { u16At, writeU16 } from './bytes.ts';
import { HEADER_BYTES, MessageType, writeHeader } from './header.ts';

/** RFC 7313 §3.2. */
export const RefreshSubtype = { request: 0, begin: 1, end: 2 } as const;
export type RefreshSubtype = (typeof RefreshSubtype)[keyof typeof RefreshSubtype];

export interface RouteRefresh {
  readonly family: number;
  readonly subtype: RefreshSubtype;
}

const BODY_BYTES = 4;

/**
 * @param start of the body, of which at least four bytes are there
 * @param isEnhanced the peer has the capability of RFC 7313; without it, the subtype is a reserved byte (RFC 2918 §3)
 * @returns undefined when it is to be ignored (RFC 7313 §5)
 * @throws BgpError remote when it is longer than it may be: outbound route filters (RFC 5291) are never offered
 */
export const parseRouteRefresh = (
  buffer: Uint8Array,
  start: number,
  end: number,
  isEnhanced: boolean,
): RouteRefresh | undefined => {
  const subtype = isEnhanced ? (buffer[start + 2] as number) : RefreshSubtype.request;
  if (!isSubtype(subtype)) return undefined;
  if (end - start !== BODY_BYTES) throw badLength(buffer, start, end, subtype);
  return { family: (u16At(buffer, start) << 8) | (buffer[start + 3] as number), subtype };
};

const isSubtype = (subtype: number): subtype is RefreshSubtype => subtype <= RefreshSubtype.end;

/** RFC 7313 §5: the data is the complete message. */
const badLength = (buffer: Uint8Array, start: number, end: number, subtype: RefreshSubtype) =>
  subtype === RefreshSubtype.request
    ? remoteError(
        ErrorCode.messageHeader,
        HeaderSubcode.badLength,
        'ROUTE-REFRESH of a bad length',
        buffer.slice(start - 3, start - 1),
      )
    : remoteError(
        ErrorCode.routeRefresh,
        RouteRefreshSubcode.invalidLength,
        'ROUTE-REFRESH of a bad length',
        buffer.slice(start - HEADER_BYTES, end),
      );

/** @returns the offset behind it */
export const writeRouteRefresh = (buffer: Uint8Array, at: number, { family, subtype }: RouteRefresh): number => {
  const body = at + HEADER_BYTES;
  writeU16(buffer, body, family >>> 8);
  buffer[body + 2] = subtype;
  buffer[body + 3] = family;
  return writeHeader(buffer, at, body + BODY_BYTES, MessageType.routeRefresh);
};
