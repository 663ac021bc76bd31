import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
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
  /** Of all connections: QUIC versions, TLS cipher suites (`CipherSuite`). */
  readonly versions: number[] = [];
  readonly suites: number[] = [];

  addHandshake({ resumed, earlyData }: HandshakeInfo): void {
    if (resumed) this.resumed++;
    if (earlyData === 'accepted') this.early++;
  }

  /** A connection is over. */
  add(connection: unknown, { by }: CloseInfo): void {
    if (!(connection instanceof Connection)) return;
    const { handshake, version, keys, counters } = connection.parts;
    if (by === 'version') this.versionNegotiated++;
    else this.connections++;
    if (handshake.cids.retry !== undefined && !connection.isServer) this.retried++;
    this.keyUpdates += counters.keyUpdates;
    const suite = keys.sealer(Level.oneRtt)?.suite;
    if (by !== 'version' && !this.versions.includes(version)) this.versions.push(version);
    if (suite !== undefined && !this.suites.includes(suite)) this.suites.push(suite);
  }
}
