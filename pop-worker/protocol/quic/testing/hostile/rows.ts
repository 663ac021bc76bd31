import { EDGES, type Field, frame, join, MOST, prefixed, varint } from './encode.ts';
import type { Role } from './scene.ts';

/** Stream IDs as the victim sees them; index 0 of its own kinds is open, everything above never was (RFC 9000 §2.1). */
export interface Ids {
  readonly theirBidi: (index: number | bigint) => bigint;
  readonly theirUni: (index: number | bigint) => bigint;
  readonly ownBidi: (index: number | bigint) => bigint;
  readonly ownUni: (index: number | bigint) => bigint;
}

export const idsOf = (victim: Role): Ids => {
  const [own, their] = victim === 'server' ? [1n, 0n] : [0n, 1n];
  const of = (bits: bigint) => (index: number | bigint) => 4n * BigInt(index) + bits;
  return { theirBidi: of(their), theirUni: of(their | 2n), ownBidi: of(own), ownUni: of(own | 2n) };
};

/** Error codes of RFC 9000 §20.1 by which a victim ends the connection; `open`: it goes on; `ended`: the attacker ended it. */
export type Verdict = number | 'open' | 'ended';

export interface Row {
  readonly name: string;
  /** Packet types that may carry the frame, as in table 3 of RFC 9000 §12.4; empty: no such frame. */
  readonly packets: string;
  readonly payload: (ids: Ids) => Uint8Array;
  readonly server: Verdict;
  /** The same as a server's unless it says something else. */
  readonly client: Verdict;
  /** In packets with a long header that may carry it. */
  readonly long: Verdict;
}

type Payload = Uint8Array | ((ids: Ids) => Uint8Array);

const row = (
  packets: string,
  name: string,
  payload: Payload,
  server: Verdict,
  client = server,
  long = server,
): Row => ({
  name,
  packets,
  payload: typeof payload === 'function' ? payload : () => payload,
  server,
  client,
  long,
});

/** A frame of this type on a stream, with what else it has. */
const on =
  (type: number, id: (ids: Ids) => bigint, ...rest: readonly Field[]): Payload =>
  (ids) =>
    frame(type, id(ids), ...rest);

const both =
  (...payloads: readonly Payload[]): Payload =>
  (ids) =>
    join(...payloads.map((payload) => (typeof payload === 'function' ? payload(ids) : payload)));

const ENCODING = 0x07;
const VIOLATION = 0x0a;
const STATE = 0x05;
const LIMIT = 0x04;
const FLOW = 0x03;
const SIZE = 0x06;

const DATA = [1, 2, 3, 4, 5, 6, 7, 8];
const CID = (n: number): number[] => [8, ...DATA.map((byte) => byte + 16 * n)];
const TOKEN = (n: number): number[] => [...DATA, ...DATA].map((byte) => byte + n);
const BEYOND = 1000;
const FAR = 2n ** 60n - 1n;

/** What is wrong with a stream ID is the same whatever frame has it (RFC 9000 §4.6, §19.4 to §19.13). */
const speaksTo = (what: 'receiver' | 'sender', name: string, type: number, ...rest: readonly Field[]): Row[] => [
  row(
    '__01',
    `${name} on its own stream that it never opened`,
    on(type, (s) => s.ownBidi(50), ...rest),
    STATE,
  ),
  row(
    '__01',
    `${name} on its own last stream ID`,
    on(type, (s) => s.ownBidi(FAR), ...rest),
    STATE,
  ),
  row(
    '__01',
    `${name} on more streams than allowed`,
    on(type, (s) => s.theirBidi(BEYOND), ...rest),
    LIMIT,
  ),
  row(
    '__01',
    `${name} on the last stream ID`,
    on(type, (s) => s.theirBidi(FAR), ...rest),
    LIMIT,
  ),
  what === 'receiver'
    ? row(
        '__01',
        `${name} on a stream that it only sends on`,
        on(type, (s) => s.ownUni(0), ...rest),
        STATE,
      )
    : row(
        '__01',
        `${name} on a stream that it only receives on`,
        on(type, (s) => s.theirUni(53), ...rest),
        STATE,
      ),
];

/** Each value of an integer field. */
const each = (name: string, values: readonly bigint[], make: (value: bigint) => Row): Row[] =>
  values.map((value) => {
    const one = make(value);
    return { ...one, name: `${name} ${value}` };
  });

const ackRows: readonly Row[] = [
  row('IH_1', 'ACK of a packet that was never sent', frame(2, 5000, 0, 0, 0), VIOLATION),
  row('IH_1', 'ACK of 2^62-1', frame(2, MOST, 0, 0, 0), VIOLATION),
  row('IH_1', 'ACK of 2^62-1 and all below', frame(2, MOST, 0, 0, MOST), VIOLATION),
  row('IH_1', 'ACK below zero', frame(2, 3, 0, 0, 4), ENCODING),
  row('IH_1', 'ACK whose gap goes below zero', frame(2, 3, 0, 1, 0, 3, 0), ENCODING),
  row('IH_1', 'ACK whose gap is 2^62-1', frame(2, 3, 0, 1, 0, MOST, 0), ENCODING),
  row('IH_1', 'ACK with more ranges than the packet', frame(2, 0, 0, MOST, 0), ENCODING),
  row('IH_1', 'ACK cut off', frame(2, 0, 0, 0), ENCODING),
  row('IH_1', 'ACK_ECN without counts', frame(3, 0, 0, 0, 0), ENCODING),
  row('IH_1', 'ACK of packet 0', frame(2, 0, 0, 0, 0), 'open'),
  row('IH_1', 'ACK of packet 0 after 2^62-1 units of delay', frame(2, 0, MOST, 0, 0), 'open'),
  row('IH_1', 'ACK_ECN with counts of 2^62-1', frame(3, 0, 0, 0, 0, MOST, MOST, MOST), 'open'),
];

const streamRows: readonly Row[] = [
  ...speaksTo('receiver', 'RESET_STREAM', 0x04, 0, 0),
  ...speaksTo('sender', 'STOP_SENDING', 0x05, 0),
  ...speaksTo('receiver', 'STREAM', 0x0a, prefixed(DATA)),
  ...speaksTo('receiver', 'an empty STREAM', 0x0b, 0),
  ...speaksTo('sender', 'MAX_STREAM_DATA', 0x11, 5),
  ...speaksTo('receiver', 'STREAM_DATA_BLOCKED', 0x15, 5),
  row(
    '__01',
    'RESET_STREAM with the last code',
    on(4, (s) => s.theirBidi(50), MOST, 0),
    'open',
  ),
  row(
    '__01',
    'RESET_STREAM beyond the stream limit',
    on(4, (s) => s.theirBidi(50), 0, 1 << 19),
    FLOW,
  ),
  row(
    '__01',
    'RESET_STREAM of size 2^62-1',
    on(4, (s) => s.theirBidi(50), 0, MOST),
    FLOW,
  ),
  row(
    '__01',
    'RESET_STREAM cut off',
    on(4, (s) => s.theirBidi(50), 0),
    ENCODING,
  ),
  row(
    '__01',
    'RESET_STREAM with another size than before',
    both(
      on(4, (s) => s.theirUni(50), 0, 5),
      on(4, (s) => s.theirUni(50), 0, 6),
    ),
    SIZE,
  ),
  row(
    '__01',
    'RESET_STREAM below what came',
    both(
      on(0x0a, (s) => s.theirUni(50), prefixed(DATA)),
      on(4, (s) => s.theirUni(50), 0, 7),
    ),
    SIZE,
  ),
  row(
    '__01',
    'RESET_STREAM with another size than FIN',
    both(
      on(0x0f, (s) => s.theirUni(50), 8, prefixed(DATA)),
      on(4, (s) => s.theirUni(50), 0, 17),
    ),
    SIZE,
  ),
  row(
    '__01',
    'STOP_SENDING with the last code',
    on(5, (s) => s.ownBidi(0), MOST),
    'open',
  ),
  row(
    '__01',
    'STOP_SENDING with a code beyond 2^53',
    on(5, (s) => s.ownUni(0), 2n ** 53n + 1n),
    'open',
  ),
  row(
    '__01',
    'STREAM longer than its packet',
    on(0x0a, (s) => s.theirBidi(50), 100, DATA),
    ENCODING,
  ),
  row(
    '__01',
    'STREAM of length 2^62-1',
    on(0x0a, (s) => s.theirBidi(50), MOST, DATA),
    ENCODING,
  ),
  row(
    '__01',
    'STREAM that ends beyond 2^62-1',
    on(0x0e, (s) => s.theirBidi(50), MOST, prefixed(DATA)),
    FLOW,
  ),
  row(
    '__01',
    'STREAM beyond the stream limit',
    on(0x0e, (s) => s.theirBidi(50), 1 << 19, prefixed(DATA)),
    FLOW,
  ),
  row(
    '__01',
    'STREAM at 2^62-9',
    on(0x0e, (s) => s.theirBidi(50), MOST - 8n, prefixed(DATA)),
    FLOW,
  ),
  row(
    '__01',
    'STREAM beyond the connection limit',
    both(...[1, 2, 3, 4, 5].map((n) => on(0x0e, (s: Ids) => s.theirUni(n + 60), (1 << 18) - 8, prefixed(DATA)))),
    FLOW,
  ),
  row(
    '__01',
    'STREAM with two ends',
    both(
      on(0x0b, (s) => s.theirUni(50), prefixed(DATA)),
      on(0x0f, (s) => s.theirUni(50), 1, prefixed(DATA)),
    ),
    SIZE,
  ),
  row(
    '__01',
    'STREAM behind its end',
    both(
      on(0x0f, (s) => s.theirUni(50), 1, prefixed(DATA)),
      on(0x0e, (s) => s.theirUni(50), 9, prefixed(DATA)),
    ),
    SIZE,
  ),
  row(
    '__01',
    'STREAM that ends before what came',
    both(
      on(0x0e, (s) => s.theirUni(50), 9, prefixed(DATA)),
      on(0x0b, (s) => s.theirUni(50), prefixed(DATA)),
    ),
    SIZE,
  ),
  row(
    '__01',
    'STREAM on the last stream allowed',
    on(0x0b, (s) => s.theirBidi(99), 0),
    'open',
  ),
];

const limitRows: readonly Row[] = [
  ...each('MAX_DATA', EDGES, (value) => row('__01', '', frame(0x10, value), 'open')),
  ...each('MAX_STREAM_DATA', EDGES, (value) =>
    row(
      '__01',
      '',
      on(0x11, (s) => s.ownBidi(0), value),
      'open',
    ),
  ),
  ...each('MAX_STREAMS', EDGES, (value) => row('__01', '', frame(0x12, value), value > 2n ** 60n ? ENCODING : 'open')),
  ...each('MAX_STREAMS (unidirectional)', EDGES, (value) =>
    row('__01', '', frame(0x13, value), value > 2n ** 60n ? ENCODING : 'open'),
  ),
  ...each('DATA_BLOCKED', EDGES, (value) => row('__01', '', frame(0x14, value), 'open')),
  ...each('STREAM_DATA_BLOCKED', EDGES, (value) =>
    row(
      '__01',
      '',
      on(0x15, (s) => s.theirBidi(0), value),
      'open',
    ),
  ),
  ...each('STREAMS_BLOCKED', EDGES, (value) =>
    row('__01', '', frame(0x16, value), value > 2n ** 60n ? ENCODING : 'open'),
  ),
  ...each('STREAMS_BLOCKED (unidirectional)', EDGES, (value) =>
    row('__01', '', frame(0x17, value), value > 2n ** 60n ? ENCODING : 'open'),
  ),
];

const cidRows: readonly Row[] = [
  row('__01', 'NEW_CONNECTION_ID of no bytes', frame(0x18, 9, 0, [0], TOKEN(1)), ENCODING),
  row('__01', 'NEW_CONNECTION_ID of 21 bytes', frame(0x18, 9, 0, [21, ...new Uint8Array(21)], TOKEN(1)), ENCODING),
  row('__01', 'NEW_CONNECTION_ID without a token', frame(0x18, 9, 0, CID(1), DATA), ENCODING),
  row('__01', 'NEW_CONNECTION_ID that retires itself', frame(0x18, 9, 10, CID(1), TOKEN(1)), ENCODING),
  row('__01', 'NEW_CONNECTION_ID that retires 2^62-1', frame(0x18, 9, MOST, CID(1), TOKEN(1)), ENCODING),
  row(
    '__01',
    'NEW_CONNECTION_ID more often than allowed',
    join(...[9, 10, 11, 12, 13].map((n) => frame(0x18, n, 0, CID(n - 8), TOKEN(n)))),
    0x09,
  ),
  row(
    '__01',
    'NEW_CONNECTION_ID with two IDs for a number',
    join(frame(0x18, 9, 1, CID(1), TOKEN(1)), frame(0x18, 9, 1, CID(2), TOKEN(1))),
    VIOLATION,
  ),
  row(
    '__01',
    'NEW_CONNECTION_ID with two numbers for an ID',
    join(frame(0x18, 9, 1, CID(1), TOKEN(1)), frame(0x18, 10, 1, CID(1), TOKEN(1))),
    VIOLATION,
  ),
  row(
    '__01',
    'NEW_CONNECTION_ID with two tokens for an ID',
    join(frame(0x18, 9, 1, CID(1), TOKEN(1)), frame(0x18, 9, 1, CID(1), TOKEN(2))),
    VIOLATION,
  ),
  row('__01', 'NEW_CONNECTION_ID that replaces all', frame(0x18, 9, 9, CID(1), TOKEN(1)), 'open'),
  row('__01', 'NEW_CONNECTION_ID of number 2^62-1', frame(0x18, MOST, 1, CID(1), TOKEN(1)), VIOLATION),
  row('___1', 'RETIRE_CONNECTION_ID of one never issued', frame(0x19, 99), VIOLATION),
  row('___1', 'RETIRE_CONNECTION_ID of 2^62-1', frame(0x19, MOST), VIOLATION),
];

const otherRows: readonly Row[] = [
  row('IH01', 'PADDING', frame(0), 'open'),
  row('IH01', 'PING', frame(1), 'open'),
  row('IH_1', 'CRYPTO behind a hole larger than what is held', frame(6, 1 << 20, prefixed(DATA)), 0x0d),
  row('IH_1', 'CRYPTO that ends beyond 2^62-1', frame(6, MOST, prefixed(DATA)), 0x0d),
  row('IH_1', 'CRYPTO at 2^62-9', frame(6, MOST - 8n, prefixed(DATA)), 0x0d),
  row('IH_1', 'CRYPTO longer than its packet', frame(6, 0, 100, DATA), ENCODING),
  row('IH_1', 'CRYPTO behind a hole', frame(6, 20_000, prefixed(DATA)), 'open'),
  row('IH_1', 'CRYPTO of no bytes', frame(6, 0, 0), 'open'),
  row('___1', 'NEW_TOKEN', frame(7, prefixed(DATA)), VIOLATION, 'open'),
  row('___1', 'NEW_TOKEN of no bytes', frame(7, 0), ENCODING),
  row('___1', 'NEW_TOKEN longer than its packet', frame(7, MOST, DATA), ENCODING),
  row('__01', 'PATH_CHALLENGE', frame(0x1a, DATA), 'open'),
  row('__01', 'PATH_CHALLENGE cut off', frame(0x1a, DATA.slice(1)), ENCODING),
  row('___1', 'PATH_RESPONSE that nobody asked for', frame(0x1b, DATA), 'open'),
  row('___1', 'PATH_RESPONSE cut off', frame(0x1b, DATA.slice(1)), ENCODING),
  row('IH01', 'CONNECTION_CLOSE', frame(0x1c, 5, 8, 0), 'ended'),
  row('IH01', 'CONNECTION_CLOSE of code 2^62-1', frame(0x1c, MOST, MOST, 0), 'ended'),
  row('IH01', 'CONNECTION_CLOSE with a reason longer than its packet', frame(0x1c, 5, 8, 100), ENCODING),
  row('__01', 'CONNECTION_CLOSE of the application', frame(0x1d, 5, 0), 'ended'),
  row('__01', 'CONNECTION_CLOSE of the application, cut off', frame(0x1d, 5), ENCODING),
  row('___1', 'HANDSHAKE_DONE', frame(0x1e), VIOLATION, 'open'),
  row('___1', 'IMMEDIATE_ACK', frame(0x1f), 'open'),
  row('___1', 'ACK_FREQUENCY', frame(0xaf, 0, 10, 25_000, 1), 'open'),
  row('___1', 'ACK_FREQUENCY of 2^62-1', frame(0xaf, MOST, MOST, 25_000, MOST), 'open'),
  row('___1', 'ACK_FREQUENCY with less delay than the least', frame(0xaf, 0, 1, 10, 1), VIOLATION),
  row('___1', 'ACK_FREQUENCY cut off', frame(0xaf, 0, 10, 25_000), ENCODING),
  row('__01', 'DATAGRAM', frame(0x30, DATA), 'open'),
  row('__01', 'DATAGRAM with length', frame(0x31, prefixed(DATA)), 'open'),
  row('__01', 'DATAGRAM longer than its packet', frame(0x31, 100, DATA), ENCODING),
  row('__01', 'DATAGRAM of length 2^62-1', frame(0x31, MOST, DATA), ENCODING),
];

/** RFC 9000 §12.4: FRAME_ENCODING_ERROR for what is unknown; PROTOCOL_VIOLATION for types that are longer than they must be. */
const typeRows: readonly Row[] = [
  ...each('unknown type', [0x20n, 0x2fn, 0x32n, 0x3fn, 0x40n, 0xaen, 0xb0n, ...EDGES.slice(4)], (type) =>
    row('', '', frame(type), ENCODING),
  ),
  ...[2, 4, 8].map((bytes) => row('', `PING in ${bytes} bytes`, frame(varint(1, bytes)), VIOLATION)),
  row('', 'ACK_FREQUENCY in 4 bytes', frame(varint(0xaf, 4), 0, 10, 25_000, 1), VIOLATION),
  row('', 'a type cut off', Uint8Array.of(0x40), ENCODING),
];

/** Frames of which RFC 9000 §19, RFC 9221 or draft-ietf-quic-ack-frequency says what becomes of them. */
export const ROWS: readonly Row[] = [...ackRows, ...streamRows, ...limitRows, ...cidRows, ...otherRows, ...typeRows];
