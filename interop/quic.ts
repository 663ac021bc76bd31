import type { SuiteCase } from '#bench/suite.ts';
import type { FileClient, FileServer } from './implementations/implementation.ts';
import * as ngtcp2 from './implementations/ngtcp2.ts';
import * as ours from './implementations/ours.ts';
import * as quicGo from './implementations/quic-go.ts';
import { type Seen, transferFiles } from './transfer.ts';
import { proveAll } from './with-peers.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMIT_MS = 60_000;

const VERSION_2 = 0x6b3343cf;
/** RFC 9000 §15: a version that exercises version negotiation. */
const RESERVED_VERSION = 0x1a2a3a4a;
const CHACHA20_POLY1305 = 0x1303;

type QuicCase = {
  readonly name: string;
  readonly summary: string;
  readonly sizes: readonly number[];
  readonly pairs: readonly (readonly [FileServer, FileClient])[];
  readonly check?: (seen: Seen) => string | undefined;
};

const CONNECTIONS_UNDER_LOSS = 5;
const HANDSHAKE_LOSS = 0.3;
const TRANSFER_LOSS = 0.02;
const TWICE = { connections: 2, resume: true } as const;
const hq = { alpn: 'hq-interop' } as const;

/** Names and sizes after the QUIC interop runner's. What a peer's programs cannot do is not among the pairs. */
const CASES: readonly QuicCase[] = [
  {
    name: 'handshake',
    summary: 'a small file over a new connection',
    sizes: [KIB],
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient(hq)],
      [ours.fileServer(hq), quicGo.fileClient(hq)],
      [ngtcp2.fileServer(), ours.fileClient()],
      [ours.fileServer(), ngtcp2.fileClient()],
    ],
  },
  {
    name: 'transfer',
    summary: 'files of 2, 3 and 5 MiB at the same time, past the first flow control windows',
    sizes: [2 * MIB, 3 * MIB, 5 * MIB],
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient(hq)],
      [ours.fileServer(hq), quicGo.fileClient(hq)],
      [ngtcp2.fileServer(), ours.fileClient()],
      [ours.fileServer(), ngtcp2.fileClient()],
    ],
  },
  {
    name: 'http3',
    summary: 'files of many sizes by HTTP/3, compared by SHA-256',
    sizes: [1, 100, 5 * KIB, 10 * KIB, 500 * KIB, MIB],
    pairs: [
      [quicGo.fileServer(), ours.fileClient()],
      [ours.fileServer(), quicGo.fileClient()],
      [ngtcp2.fileServer(), ours.fileClient()],
      [ours.fileServer(), ngtcp2.fileClient()],
    ],
  },
  {
    name: 'retry',
    summary: 'the server wants a token first (RFC 9000 §8.1.2)',
    sizes: [KIB],
    pairs: [
      [quicGo.fileServer({ ...hq, retry: true }), ours.fileClient(hq)],
      [ours.fileServer({ ...hq, retry: true }), quicGo.fileClient(hq)],
      [ngtcp2.fileServer({ retry: true }), ours.fileClient()],
      [ours.fileServer({ retry: true }), ngtcp2.fileClient()],
    ],
    check: ({ retried, retriesSent = 0 }) => (retried + retriesSent > 0 ? undefined : 'There was no Retry.'),
  },
  {
    name: 'chacha20',
    summary: 'the client offers only TLS_CHACHA20_POLY1305_SHA256',
    sizes: [3 * MIB],
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient({ ...hq, chacha20: true })],
      [ngtcp2.fileServer(), ours.fileClient({ chacha20: true })],
      [ours.fileServer(), ngtcp2.fileClient({ chacha20: true })],
    ],
    check: ({ suites }) => (suites.includes(CHACHA20_POLY1305) ? undefined : `Suites in use: ${suites.join()}.`),
  },
  {
    name: 'versionnegotiation',
    summary: 'the client starts with a version that the server does not know',
    sizes: [KIB],
    pairs: [
      [ngtcp2.fileServer(), ours.fileClient({ version: VERSION_2 })],
      [ours.fileServer(), ngtcp2.fileClient({ version: RESERVED_VERSION })],
    ],
    check: ({ versionNegotiated, versionNegotiationsSent = 0 }) =>
      versionNegotiated + versionNegotiationsSent > 0 ? undefined : 'There was no Version Negotiation.',
  },
  {
    name: 'v2',
    summary: 'QUIC version 2 from the first packet on (RFC 9369)',
    sizes: [MIB],
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient({ ...hq, version: VERSION_2 })],
      [ours.fileServer({ ...hq, version: VERSION_2 }), quicGo.fileClient({ ...hq, version: VERSION_2 })],
    ],
    check: ({ versions }) => (versions.includes(VERSION_2) ? undefined : `Versions in use: ${versions.join()}.`),
  },
  {
    name: 'multiplexing',
    summary: '500 files on as many streams, past the first limit of 100',
    sizes: Array.from({ length: 500 }, () => 32),
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient(hq)],
      [ours.fileServer(hq), quicGo.fileClient(hq)],
      [ngtcp2.fileServer(), ours.fileClient()],
      [ours.fileServer(), ngtcp2.fileClient()],
    ],
  },
  {
    name: 'resumption',
    summary: 'a second connection by the ticket of the first',
    sizes: [KIB],
    pairs: [
      [quicGo.fileServer(hq), ours.fileClient({ ...hq, ...TWICE })],
      [ours.fileServer(hq), quicGo.fileClient({ ...hq, ...TWICE })],
      [ngtcp2.fileServer(), ours.fileClient(TWICE)],
    ],
    check: ({ resumed }) => (resumed === 1 ? undefined : `${resumed} connections were resumed.`),
  },
  {
    name: 'zerortt',
    summary: 'a second connection that asks in early data, and is answered',
    sizes: [KIB, KIB, KIB],
    pairs: [
      [quicGo.fileServer({ ...hq, early: true }), ours.fileClient({ ...hq, ...TWICE, early: true })],
      [ours.fileServer({ ...hq, early: true }), quicGo.fileClient({ ...hq, ...TWICE, early: true })],
    ],
    check: ({ early }) => (early === 1 ? undefined : `Early data was taken on ${early} connections.`),
  },
  {
    name: 'keyupdate',
    summary: 'the client updates keys early on (RFC 9001 §6)',
    sizes: [3 * MIB],
    pairs: [[ours.fileServer(), ngtcp2.fileClient({ keyUpdate: true })]],
    check: ({ keyUpdates }) => (keyUpdates > 0 ? undefined : 'No key was updated.'),
  },
  {
    name: 'handshakeloss',
    summary: 'new connections while the peer loses 30 % of all datagrams',
    sizes: [KIB],
    pairs: [
      [ngtcp2.fileServer({ loss: HANDSHAKE_LOSS }), ours.fileClient({ connections: CONNECTIONS_UNDER_LOSS })],
      [ours.fileServer(), ngtcp2.fileClient({ loss: HANDSHAKE_LOSS })],
    ],
  },
  {
    name: 'transferloss',
    summary: '2 MiB while the peer loses 2 % of all datagrams',
    sizes: [2 * MIB],
    pairs: [
      [ngtcp2.fileServer({ loss: TRANSFER_LOSS }), ours.fileClient()],
      [ours.fileServer(), ngtcp2.fileClient({ loss: TRANSFER_LOSS })],
    ],
  },
];

const proofsOf = ({ sizes, pairs, check }: QuicCase) =>
  pairs.map(([server, client]) => {
    const weAreClient = client.of === ours.OURS;
    const transfer = { server, client, limitMs: LIMIT_MS, ...(check && { check }) };
    return {
      peer: weAreClient ? server.of : client.of,
      ourRole: weAreClient ? ('client' as const) : ('server' as const),
      run: () => transferFiles(sizes, transfer),
    };
  });

export const cases: readonly SuiteCase[] = CASES.map((one) => ({
  name: one.name,
  summary: one.summary,
  run: (context) => proveAll(proofsOf(one), context),
}));
