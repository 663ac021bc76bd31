import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { hasSecondHello, offeredSuites, openInitials } from './initials.ts';
import type { Trace } from './trace.ts';

type BothWays = { readonly received: number; readonly sent: number };

/** What our side saw, whichever it was: the result of `interop/ours`. */
export type OurView = {
  readonly retried: number;
  readonly retriesSent?: number;
  readonly versionNegotiated: number;
  readonly versionNegotiationsSent?: number;
  readonly keyUpdates: number;
  readonly resumed: number;
  readonly early: number;
  readonly versions: readonly number[];
  readonly suites: readonly number[];
  /** Streams that the peer let us open at first. */
  readonly peerStreams: number;
  /** Packets of the peer's that came marked ECT(0), and paths whose marks the peer confirmed. */
  readonly ecnReceived: number;
  readonly ecnConfirmed: number;
  readonly challengesReceived: number;
  readonly pathsValidated: number;
  /** HTTP/3: the peer has a dynamic table for our header fields (RFC 9204 §5). */
  readonly qpackAllowed: boolean;
  /** Entries of both tables, and header fields that referred to them. */
  readonly qpackEntries: BothWays;
  readonly qpackReferences: BothWays;
};

/** What is known of a run that went well so far. Each side's packets are told as it sent them. */
export type Evidence = {
  readonly atClient: Trace;
  readonly atServer: Trace;
  readonly ours: OurView;
  readonly weAre: 'client' | 'server';
  /** The server is ours, with ourselves as client too. */
  readonly weServe: boolean;
};

/** Says what is wrong; undefined: nothing. */
export type Check = (evidence: Evidence) => string | undefined;

/** The first complaint of several checks. */
export const all =
  (...checks: readonly Check[]): Check =>
  (evidence) => {
    for (const check of checks) {
      const wrong = check(evidence);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

const unless = (right: boolean, wrong: string): string | undefined => (right ? undefined : wrong);

const hex = (values: Iterable<number>): string => [...values].map((value) => `0x${value.toString(16)}`).join(' ');

/** Servers use one Source Connection ID a connection in their Initial packets. */
export const handshakes =
  (wanted: number): Check =>
  ({ atServer }) => {
    const { size } = new Set(atServer.packets('server', PacketType.initial).map(({ scid }) => scid));
    return unless(size === wanted, `There were ${size} handshakes, not ${wanted}.`);
  };

export const version1: Check = ({ atServer }) => {
  const versions = new Set(atServer.packets('server', PacketType.initial).map(({ version }) => version));
  return unless(versions.size === 1 && versions.has(1), `The server's Initial packets have versions ${hex(versions)}.`);
};

export const noRetry: Check = ({ atServer }) =>
  unless(atServer.packets('server', PacketType.retry).length === 0, 'The server sent Retry.');

/** RFC 9000 §17.2.5: an Initial with the token of a Retry, and packet numbers that go on. */
export const retried: Check = ({ atClient, atServer }) => {
  const tokens = new Set(atServer.packets('server', PacketType.retry).map(({ token }) => token));
  if (tokens.size === 0) return 'There was no Retry.';
  const initials = openInitials(atClient);
  const before = initials.filter(({ packet }) => packet.token === '').map(({ packetNumber }) => packetNumber);
  const after = initials.filter(({ packet }) => tokens.has(packet.token)).map(({ packetNumber }) => packetNumber);
  if (after.length === 0) return 'No Initial packet has the token of the Retry.';
  return unless(Math.min(...after) > Math.max(-1, ...before), 'Packet numbers began again after the Retry.');
};

export const repeatedHello: Check = ({ atClient }) => {
  const starts = openInitials(atClient).filter(({ crypto }) => crypto.some(({ offset }) => offset === 0)).length;
  return unless(starts >= 2, `The ClientHello was sent ${starts} times.`);
};

export const noSecondHello: Check = ({ atClient }) =>
  unless(!hasSecondHello(openInitials(atClient)), 'The server wanted another key share: a round trip more.');

const CHACHA20_POLY1305 = 0x1303;

export const offersChaCha20Only: Check = ({ atClient, ours }) => {
  const offered = offeredSuites(openInitials(atClient));
  if (offered.join() !== String(CHACHA20_POLY1305)) return `The client offered the suites ${hex(offered)}.`;
  return unless(ours.suites.join() === String(CHACHA20_POLY1305), `The suites in use were ${hex(ours.suites)}.`);
};

const MOST_STREAMS = 1000;

/** The server's limit is told under encryption: our client read it, or our server set it. */
export const modestStreamLimit: Check = ({ ours }) =>
  unless(
    ours.peerStreams > 0 && ours.peerStreams <= MOST_STREAMS,
    `The server's first limit was ${ours.peerStreams} streams.`,
  );

/** Where the peer has a dynamic table, our header fields refer to it, and the peer's to ours if it makes entries (RFC 9204). */
export const refersToTables: Check = ({ ours: { qpackAllowed, qpackEntries, qpackReferences } }) => {
  const { received, sent } = qpackReferences;
  return unless(
    !qpackAllowed || (sent > 0 && (qpackEntries.received === 0 || received > 0)),
    `${received} header fields by reference came, ${sent} went.`,
  );
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Without certificates the server's second flight is a small one. */
export const resumedOnce: Check = ({ atServer, ours }) => {
  const flights = Map.groupBy(atServer.packets('server', PacketType.handshake), ({ scid }) => scid);
  const [first = 0, second = 0] = [...flights.values()].map((packets) =>
    Math.max(...packets.map(({ protectedBytes }) => protectedBytes)),
  );
  if (ours.resumed !== 1) return `${ours.resumed} connections were resumed.`;
  return unless(second > 0 && second < first, `The second handshake was no smaller: ${first} bytes, then ${second}.`);
};

/** @param requestBytes that the client asks with in all */
export const mostlyEarly =
  (requestBytes: number): Check =>
  ({ atClient, ours }) => {
    const early = sum(atClient.packets('client', PacketType.zeroRtt).map(({ protectedBytes }) => protectedBytes));
    const late = sum(atClient.packets('client', PacketType.oneRtt).map(({ protectedBytes }) => protectedBytes));
    if (early === 0) return 'The client sent no early data.';
    if (late > requestBytes / 2) return `The client sent ${late} bytes outside of early data.`;
    return unless(ours.early === 1, `Early data was taken on ${ours.early} connections.`);
  };

/** Packets of the next key phase were authentic on our side, which answers in it; packets of the former one came before. */
export const keysUpdated: Check = ({ ours }) => unless(ours.keyUpdates > 0, 'No key was updated.');

const ECT = [1, 2];
const CE = 3;

export const marked: Check = ({ atClient, atServer, ours }) => {
  for (const [side, trace] of [
    ['client', atClient],
    ['server', atServer],
  ] as const) {
    const marks = trace.from(side).map(({ ecn }) => ecn);
    if (!marks.some((mark) => ECT.includes(mark))) return `The ${side} marked nothing.`;
    if (marks.includes(CE)) return `The ${side} sent CE.`;
  }
  if (ours.ecnConfirmed === 0) return 'The peer did not report our marks.';
  return unless(ours.ecnReceived > 0, "We did not see the peer's marks, and so reported none.");
};

const HANDSHAKE_BYTES = 7500;
const AMPLIFICATION = 3;
/** Servers that look at the limit before a packet, not at its end, pass it by one: the runner lets that of peers slide. */
const PEERS_AMPLIFICATION = 4;

/** RFC 9000 §8.1, in bytes of UDP payload, until the client proves that it is where it says: by a Handshake packet. */
export const keptAmplification: Check = ({ atServer, weServe }) => {
  const most = weServe ? AMPLIFICATION : PEERS_AMPLIFICATION;
  const sent = sum(atServer.packets('server', PacketType.handshake).map(({ protectedBytes }) => protectedBytes));
  if (sent < HANDSHAKE_BYTES) return `The server sent ${sent} bytes of handshake only.`;
  let allowed = 0;
  for (const { fromClient, bytes, packets } of atServer.all) {
    if (fromClient) {
      if (packets.some(({ type }) => type === PacketType.handshake)) return undefined;
      if (packets[0]?.type === PacketType.initial) allowed += most * bytes;
    } else {
      allowed -= bytes;
      if (allowed < 0) return `The server sent ${-allowed} bytes more than ${most} times what had come.`;
    }
  }
  return 'The client sent no Handshake packet.';
};

/** RFC 9368 §2.3: starts in version 1, goes on in 2. */
export const negotiated =
  (version: number): Check =>
  ({ atClient, atServer }) => {
    const of = (trace: Trace, side: 'client' | 'server', type: PacketType): Set<number> =>
      new Set(trace.packets(side, type).map((packet) => packet.version));
    const asked = of(atClient, 'client', PacketType.initial);
    if (!asked.has(1)) return `The client's Initial packets have versions ${hex(asked)}.`;
    const answered = of(atServer, 'server', PacketType.initial);
    if (!answered.has(version)) return `The server's Initial packets have versions ${hex(answered)}.`;
    for (const [trace, side] of [
      [atClient, 'client'],
      [atServer, 'server'],
    ] as const) {
      const used = of(trace, side, PacketType.handshake);
      if (used.size !== 1 || !used.has(version)) return `The ${side}'s Handshake packets have versions ${hex(used)}.`;
    }
    return undefined;
  };

export const onlyIpv6: Check = ({ atServer }) =>
  unless(!atServer.all.some(({ family }) => family === 4), 'There were IPv4 packets.');
