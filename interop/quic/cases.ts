import type { FileSpec } from '../files.ts';
import type { FileClientOptions, FileServerOptions } from '../implementations/implementation.ts';
import {
  all,
  type Check,
  handshakes,
  keptAmplification,
  keysUpdated,
  marked,
  modestStreamLimit,
  mostlyEarly,
  negotiated,
  noRetry,
  noSecondHello,
  offersChaCha20Only,
  onlyIpv6,
  refersToTables,
  repeatedHello,
  resumedOnce,
  retried,
  version1,
} from './evidence.ts';
import { type Figure, goodput, share } from './figures.ts';
import { otherConnectionId, pathsAsked, severalAddresses } from './paths.ts';
import type { Scenario } from './scenario.ts';

/** A case of the QUIC interop runner (github.com/quic-interop/quic-interop-runner, 2026-04-06), under its name. */
export type QuicCase = {
  readonly name: string;
  readonly summary: string;
  readonly files: readonly FileSpec[];
  readonly scenario: Scenario;
  readonly family?: 4 | 6;
  readonly http3?: true;
  readonly server?: FileServerOptions;
  readonly client?: FileClientOptions;
  /** Names in the server's certificate, to make it large. */
  readonly names?: readonly string[];
  readonly limitSeconds: number;
  readonly check: Check;
  /** What is measured besides. */
  readonly figure?: Figure;
  /** The kernel's TCP with CUBIC sends to the client all the while. */
  readonly beside?: 'tcp';
};

const KIB = 1024;
const MIB = 1024 * KIB;
const VERSION_2 = 0x6b3343cf;

const PLAIN: Scenario = { delayMs: 15 };
const MINUTE = 60;
const once = all(version1, handshakes(1));

/** Packets in a row at most, either way; shares of packets. */
const faulty = (what: 'drop' | 'corrupt', share: number): Scenario => {
  const faults = { [what]: share, burst: 3 };
  return { ...PLAIN, toServer: faults, toClient: faults };
};
const MANY = 0.3;
const SOME = 0.02;

const CONNECTIONS = 50;
const manyConnections = {
  files: Array.from({ length: CONNECTIONS }, () => KIB),
  client: { connections: CONNECTIONS },
  limitSeconds: 300,
  check: all(version1, handshakes(CONNECTIONS)),
};

const EARLY_FILES = 40;
const LONG_NAME = 250;
const longName = (i: number): string => `${i}`.padStart(LONG_NAME, 'early-data-');

const rebinding = (what: 'port' | 'address'): Scenario => ({ ...PLAIN, rebinds: { what, first: 1, every: 5 } });

export const CASES: readonly QuicCase[] = [
  {
    name: 'handshake',
    summary: 'a file of 1 KiB over a new connection, without Retry and HelloRetryRequest',
    files: [KIB],
    scenario: PLAIN,
    limitSeconds: MINUTE,
    check: all(once, noRetry, noSecondHello),
  },
  {
    name: 'transfer',
    summary: 'files of 2, 3 and 5 MiB at the same time, past the first flow control windows',
    files: [2 * MIB, 3 * MIB, 5 * MIB],
    scenario: PLAIN,
    limitSeconds: MINUTE,
    check: once,
  },
  {
    name: 'longrtt',
    summary: 'a round trip of 1.5 s: the ClientHello is sent again before anything comes back',
    files: [KIB],
    scenario: { delayMs: 750 },
    limitSeconds: MINUTE,
    check: all(once, repeatedHello),
  },
  {
    name: 'chacha20',
    summary: 'client and server know only TLS_CHACHA20_POLY1305_SHA256',
    files: [3 * MIB],
    scenario: PLAIN,
    server: { chacha20: true },
    client: { chacha20: true },
    limitSeconds: MINUTE,
    check: all(once, offersChaCha20Only),
  },
  {
    name: 'multiplexing',
    summary: '2,000 files of 32 bytes, past a first limit of at most 1,000 streams',
    files: Array.from({ length: 2000 }, () => 32),
    scenario: PLAIN,
    limitSeconds: MINUTE,
    check: all(once, modestStreamLimit, refersToTables),
  },
  {
    name: 'retry',
    summary: 'the server wants a token first (RFC 9000 §8.1.2)',
    files: [10 * KIB],
    scenario: PLAIN,
    server: { retry: true },
    limitSeconds: MINUTE,
    check: all(once, retried),
  },
  {
    name: 'resumption',
    summary: 'a second connection by the ticket of the first',
    files: [5 * KIB, 10 * KIB],
    scenario: PLAIN,
    client: { connections: 2, resume: true },
    limitSeconds: MINUTE,
    check: all(version1, handshakes(2), resumedOnce),
  },
  {
    name: 'zerortt',
    summary: 'a second connection that asks for 39 files with long names in early data',
    files: Array.from({ length: EARLY_FILES }, (_, i) => ({ name: longName(i), bytes: 32 })),
    scenario: PLAIN,
    server: { early: true },
    client: { connections: 2, resume: true, early: true },
    limitSeconds: MINUTE,
    check: all(version1, handshakes(2), mostlyEarly(EARLY_FILES * LONG_NAME)),
  },
  {
    name: 'http3',
    // The runner has the first three; with the others, later heads can refer to what earlier ones held.
    summary: 'files of 5, 10 and 500 KiB and 200 small ones by HTTP/3, header fields by dynamic tables',
    files: [5 * KIB, 10 * KIB, 500 * KIB, ...Array.from({ length: 200 }, () => 32)],
    scenario: PLAIN,
    http3: true,
    limitSeconds: MINUTE,
    check: all(once, refersToTables),
  },
  {
    name: 'blackhole',
    summary: '10 MiB while the link carries nothing from second 5 to 7',
    files: [10 * MIB],
    scenario: { ...PLAIN, blackhole: [5, 7] },
    limitSeconds: MINUTE,
    check: once,
  },
  {
    name: 'keyupdate',
    summary: 'one side updates keys early on, the other follows (RFC 9001 §6)',
    files: [3 * MIB],
    scenario: PLAIN,
    client: { keyUpdate: true },
    limitSeconds: MINUTE,
    check: all(once, keysUpdated),
  },
  {
    name: 'ecn',
    summary: 'both sides mark their packets and report the marks of the other (RFC 9000 §13.4)',
    files: [100 * KIB],
    scenario: PLAIN,
    limitSeconds: MINUTE,
    check: all(once, noRetry, marked),
  },
  {
    name: 'amplificationlimit',
    summary: 'a large certificate while the client cannot be heard: at most three times what it sent',
    files: [5 * KIB],
    scenario: { ...PLAIN, toServer: { dropNth: [2, 3, 4, 5, 6, 7] } },
    names: Array.from({ length: 300 }, (_, i) => `DNS:${`${i}`.padStart(5, '0')}.many-names.peer.test`),
    limitSeconds: MINUTE,
    check: all(once, keptAmplification),
  },
  {
    name: 'handshakeloss',
    summary: '50 connections, a file each, while 30 % of packets are lost either way',
    scenario: faulty('drop', MANY),
    ...manyConnections,
  },
  {
    name: 'transferloss',
    summary: '2 MiB while 2 % of packets are lost either way',
    files: [2 * MIB],
    scenario: faulty('drop', SOME),
    limitSeconds: MINUTE,
    check: once,
  },
  {
    name: 'handshakecorruption',
    summary: '50 connections, a file each, while a byte is changed in 30 % of packets either way',
    scenario: faulty('corrupt', MANY),
    ...manyConnections,
  },
  {
    name: 'transfercorruption',
    summary: '2 MiB while a byte is changed in 2 % of packets either way',
    files: [2 * MIB],
    scenario: faulty('corrupt', SOME),
    limitSeconds: MINUTE,
    check: once,
  },
  {
    name: 'ipv6',
    summary: 'files of 5 and 10 KiB over IPv6',
    files: [5 * KIB, 10 * KIB],
    scenario: PLAIN,
    family: 6,
    limitSeconds: MINUTE,
    check: all(once, onlyIpv6),
  },
  {
    name: 'v2',
    summary: 'starts in version 1, goes on in version 2 (RFC 9368, RFC 9369)',
    files: [KIB],
    scenario: PLAIN,
    server: { version: VERSION_2 },
    client: { version: VERSION_2 },
    limitSeconds: MINUTE,
    check: negotiated(VERSION_2),
  },
  {
    name: 'rebind-port',
    summary: '10 MiB while a NAT gives the client another port after 1 s, and every 5 s',
    files: [10 * MIB],
    scenario: rebinding('port'),
    limitSeconds: MINUTE,
    check: all(once, pathsAsked),
  },
  {
    name: 'rebind-addr',
    summary: 'the same with another address',
    files: [10 * MIB],
    scenario: rebinding('address'),
    limitSeconds: MINUTE,
    check: all(once, severalAddresses, pathsAsked),
  },
  {
    name: 'connectionmigration',
    summary: 'the client moves to another address or port of its own, with another connection ID (RFC 9000 §9)',
    files: [2 * MIB],
    scenario: PLAIN,
    client: { migrate: true },
    limitSeconds: MINUTE,
    check: all(once, pathsAsked, otherConnectionId),
  },
  {
    name: 'goodput',
    summary: '10 MiB over 10 Mbit/s, as the client sees them come',
    files: [10 * MIB],
    scenario: PLAIN,
    limitSeconds: MINUTE,
    check: once,
    figure: goodput(10 * MIB),
  },
  {
    name: 'crosstraffic',
    summary: '25 MiB beside the kernel’s TCP with CUBIC: our share of 10 Mbit/s where we send',
    files: [25 * MIB],
    scenario: PLAIN,
    limitSeconds: 180,
    check: once,
    figure: share,
    beside: 'tcp',
  },
];
