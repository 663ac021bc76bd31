import { formatIpAddress, parseIpAddress } from '#protocol/ip/text.ts';
import type { HostPort } from './listen.ts';

/** RFC 1928 §3, RFC 1929 §2. */
export const SOCKS_VERSION = 5;
const AUTH_VERSION = 1;
export const Method = { none: 0, password: 2, noneAcceptable: 0xff } as const;
export const Command = { connect: 1, bind: 2, udpAssociate: 3 } as const;
const AddressType = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** RFC 1928 §6. */
export const Reply = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  connectionRefused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;
export type Reply = (typeof Reply)[keyof typeof Reply];

/** `more`: the message is not complete yet. `bad`: it never will be a right one. */
export type Incomplete = 'more' | 'bad';

/** A message and how many bytes it took. */
export type Parsed<T> = (T & { readonly bytes: number }) | Incomplete;

const text = new TextDecoder('utf-8');

/** The methods that a client offers (RFC 1928 §3). */
export const parseGreeting = (buffer: Uint8Array): Parsed<{ methods: readonly number[] }> => {
  if (buffer.length >= 1 && buffer[0] !== SOCKS_VERSION) return 'bad';
  if (buffer.length < 2) return 'more';
  const bytes = 2 + (buffer[1] as number);
  if (bytes === 2) return 'bad';
  return buffer.length < bytes ? 'more' : { methods: [...buffer.subarray(2, bytes)], bytes };
};

/** User name and password (RFC 1929 §2). */
export const parsePassword = (buffer: Uint8Array): Parsed<{ user: string; password: string }> => {
  if (buffer.length >= 1 && buffer[0] !== AUTH_VERSION) return 'bad';
  if (buffer.length < 2) return 'more';
  const userEnd = 2 + (buffer[1] as number);
  if (userEnd === 2) return 'bad';
  if (buffer.length <= userEnd) return 'more';
  const bytes = userEnd + 1 + (buffer[userEnd] as number);
  if (buffer.length < bytes) return 'more';
  return {
    user: text.decode(buffer.subarray(2, userEnd)),
    password: text.decode(buffer.subarray(userEnd + 1, bytes)),
    bytes,
  };
};

export const passwordReply = (accepted: boolean): Uint8Array => Uint8Array.of(AUTH_VERSION, accepted ? 0 : 1);

/** ATYP, address and port from `at` on. @returns `bad` also for an address type that nobody knows */
const parseAddress = (buffer: Uint8Array, at: number): Parsed<HostPort> => {
  if (buffer.length <= at) return 'more';
  const type = buffer[at];
  let start = at + 1;
  let length: number;
  if (type === AddressType.ipv4) length = 4;
  else if (type === AddressType.ipv6) length = 16;
  else if (type === AddressType.name) {
    if (buffer.length <= start) return 'more';
    length = buffer[start++] as number;
    if (length === 0) return 'bad';
  } else return 'bad';
  const end = start + length;
  if (buffer.length < end + 2) return 'more';
  const raw = buffer.subarray(start, end);
  // Names are ASCII (RFC 1928 §5 says nothing else); whatever else is in there makes no name and is refused later.
  const host = type === AddressType.name ? String.fromCharCode(...raw) : formatIpAddress(raw);
  return { host, port: ((buffer[end] as number) << 8) | (buffer[end + 1] as number), bytes: end + 2 };
};

/** RFC 1928 §4. */
export const parseRequest = (buffer: Uint8Array): Parsed<{ command: number; target: HostPort }> => {
  if (buffer.length >= 1 && buffer[0] !== SOCKS_VERSION) return 'bad';
  const address = parseAddress(buffer, 3);
  if (typeof address === 'string') return address;
  const { host, port, bytes } = address;
  return { command: buffer[1] as number, target: { host, port }, bytes };
};

const encodeAddress = ({ host, port }: HostPort): Uint8Array => {
  const address = parseIpAddress(host);
  const name = address === undefined ? new TextEncoder().encode(host) : undefined;
  const kind =
    address === undefined
      ? [AddressType.name, name?.length ?? 0]
      : [address.length === 4 ? AddressType.ipv4 : AddressType.ipv6];
  return Uint8Array.from([...kind, ...(address ?? name ?? []), port >> 8, port & 0xff]);
};

/** RFC 1928 §6. @param bound where the far end sees us, or where UDP is to be sent */
export const encodeReply = (reply: Reply, bound: HostPort = { host: '0.0.0.0', port: 0 }): Uint8Array =>
  Uint8Array.of(SOCKS_VERSION, reply, 0, ...encodeAddress(bound));

/** RFC 1928 §7. @returns undefined when it is no such datagram, or a fragment, which is not put together */
export const parseUdp = (buffer: Uint8Array): { readonly target: HostPort; readonly payloadAt: number } | undefined => {
  if (buffer[0] !== 0 || buffer[1] !== 0 || buffer[2] !== 0) return undefined;
  const address = parseAddress(buffer, 3);
  if (typeof address === 'string') return undefined;
  return { target: { host: address.host, port: address.port }, payloadAt: address.bytes };
};

/** What goes in front of a datagram from a target. */
export const encodeUdpHeader = (from: HostPort): Uint8Array => Uint8Array.of(0, 0, 0, ...encodeAddress(from));
