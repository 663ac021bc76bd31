import type { Http3Connection } from '#protocol/http3/connection.ts';
import type { HandshakeInfo } from '#protocol/quic/api.ts';
import { Connection } from '#protocol/quic/connection.ts';
import { Level } from '#protocol/quic/ports.ts';

/** What the connections of a program went through: a test of Retry is none unless a Retry was seen. */
export class Evidence {
  connections = 0;
  /** Connections of ours that were told to retry. */
  retried = 0;
  /** Connections of ours that were told other versions. */
  versionNegotiated = 0;
  keyUpdates = 0;
  /** Sessions that were resumed, and those whose early data was taken. */
  resumed = 0;
  early = 0;
  /** Streams that the server let the client open at first. */
  peerStreams = 0;
  /** Packets that came marked ECT(0), and paths whose marks the peer confirmed. */
  ecnReceived = 0;
  ecnConfirmed = 0;
  challengesReceived = 0;
  pathsValidated = 0;
  /** Of all connections: QUIC versions, TLS cipher suites (`CipherSuite`). */
  readonly versions: number[] = [];
  readonly suites: number[] = [];
  /** The peer lets our header fields into a dynamic table, and what came of it and of ours. */
  qpackAllowed = false;
  readonly qpackEntries = { received: 0, sent: 0 };
  readonly qpackReferences = { received: 0, sent: 0 };
  readonly #noted = new WeakSet<Connection>();

  addHandshake({ resumed, earlyData }: HandshakeInfo): void {
    if (resumed) this.resumed++;
    if (earlyData === 'accepted') this.early++;
  }

  addHttp3({ peerSettings, qpackCounters: { inserted, references } }: Http3Connection): void {
    this.qpackAllowed ||= peerSettings.qpackMaxTableCapacity > 0;
    for (const direction of ['received', 'sent'] as const) {
      this.qpackEntries[direction] += inserted[direction];
      this.qpackReferences[direction] += references[direction];
    }
  }

  /** A connection is over, or what it went through so far is asked for. */
  add(connection: unknown): void {
    if (!(connection instanceof Connection) || this.#noted.has(connection)) return;
    this.#noted.add(connection);
    const { handshake, version, keys, counters, config, recovery, spaces } = connection.parts;
    this.connections++;
    if (handshake.hasBegunAnew) this.versionNegotiated++;
    if (handshake.cids.retry !== undefined && !connection.isServer) this.retried++;
    this.keyUpdates += counters.keyUpdates;
    this.peerStreams = connection.isServer ? config.initialMaxStreamsBidi : handshake.peer.initialMaxStreamsBidi;
    for (const { ack } of spaces) this.ecnReceived += ack.ect0;
    this.ecnConfirmed += recovery.stats.ecnCapable;
    this.challengesReceived += counters.challengesReceived;
    this.pathsValidated += counters.pathsValidated;
    const suite = keys.sealer(Level.oneRtt)?.suite;
    if (!this.versions.includes(version)) this.versions.push(version);
    if (suite !== undefined && !this.suites.includes(suite)) this.suites.push(suite);
  }
}
