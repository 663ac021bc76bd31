import type { QlogSettings } from '#host/qlog/recorder.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { DevicePast } from '#protocol/mesh/presence/ticket-age.ts';
import type { CidKey } from './exchange/cids.ts';
import type { ProbeAnswer } from './forward/kernel-probe.ts';
import type { RemoteSession } from './forward/remote-sessions.ts';
import type { HandoffPeer, Liveness } from './handoff/setup.ts';
import type { ThreadSetup } from './setup.ts';
import type { SiteState } from './wireguard/site-health.ts';
import type { ThreadPeers } from './wireguard/thread-peers.ts';

/** What the main thread tells a data-plane thread; small, rare, and safe to send again. */
export type Command =
  /** A tenant's networks, as prefixes; none: the tenant is gone. */
  | { readonly type: 'tenant'; readonly tenant: string; readonly prefixes: readonly string[] }
  /** Keys that tokens are verified with (a JWK set, RFC 7517) and who issues them. */
  | { readonly type: 'keys'; readonly jwks: string; readonly issuer: string }
  /** Destinations that the fleet refuses, as prefixes; in place of those named before. */
  | { readonly type: 'refused'; readonly prefixes: readonly string[] }
  /** Whether what the worker was told is all there is at this moment. */
  | { readonly type: 'current'; readonly isCurrent: boolean }
  /** Some of those who come by WireGuard are others. */
  | ({ readonly type: 'wireguard-peers' } & ThreadPeers)
  /** Static keys of WireGuard from now on. */
  | { readonly type: 'wireguard-keys'; readonly keys: WireGuardKeys }
  /** Which devices are here by the key before the newest; `previous-key-devices` answers. */
  | { readonly type: 'previous-key-devices' }
  | { readonly type: 'revoke'; readonly revocation: RevocationCommand }
  /** This one is over: what it was about has expired, or is free again. */
  | { readonly type: 'reinstate'; readonly revocation: RevocationCommand }
  /** Every revocation that is in force; whatever is not among them is not (any more). */
  | { readonly type: 'revocations'; readonly revocations: readonly RevocationCommand[] }
  /** No new sessions; those there are get told to go (graceful stop). */
  /** Connections are told to go, all within so long. */
  | { readonly type: 'drain'; readonly withinMs: number }
  /** New sessions again; those that were told to go are not called back. */
  | { readonly type: 'undrain' }
  /** Certificate, key and ticket keys for handshakes from now on. */
  | { readonly type: 'tls'; readonly tls: Pick<ThreadSetup['tls'], 'certificate' | 'key' | 'ticketKeys'> }
  /** How many tunnels such a change would cut off; `assessed` answers. */
  | {
      readonly type: 'assess';
      /** Comes back with the answer. */
      readonly id: number;
      readonly tenants: ReadonlyMap<string, readonly string[]>;
      readonly refused: readonly string[];
    }
  /** A session came to a thread; each thread hears of those of all, in the same order. */
  | { readonly type: 'attached'; readonly session: RemoteSession }
  | { readonly type: 'detached'; readonly session: DetachedSession }
  /** Nobody else sends the device of this session anything any more: it may be served. */
  | ({ readonly type: 'settled' } & SettledSession)
  /** …is at another worker now: this session ends, and sends nothing. */
  | ({ readonly type: 'superseded' } & SessionPlace)
  /** Connection IDs are made by the first of these keys from now on, and read by all; clients are given new ones. */
  | { readonly type: 'cid-keys'; readonly keys: readonly CidKey[] }
  /** Another worker is there, or elsewhere than before. */
  | { readonly type: 'handoff-peer'; readonly peer: HandoffPeer }
  | { readonly type: 'handoff-peer-gone'; readonly worker: number }
  /** A connection to it was made: 32 bytes of its exporter, named alike at both ends. */
  | { readonly type: 'handoff-key'; readonly worker: number; readonly keyId: number; readonly secret: Uint8Array }
  | { readonly type: 'handoff-liveness'; readonly worker: number; readonly liveness: Liveness }
  /** Whether this worker hears most of the others. */
  | { readonly type: 'handoff-majority'; readonly holds: boolean }
  /** Logs connections, those that are there too; undefined: no more. */
  | { readonly type: 'qlog'; readonly settings: QlogSettings | undefined }
  /** Sends probes through TUN and kernel; `probed` tells of each that came back, from whichever thread. */
  | { readonly type: 'probe'; readonly nonce: number; readonly versions: readonly (4 | 6)[] }
  /** Brings the shared counters up to date; `collected` answers. */
  | { readonly type: 'collect' }
  /** Closes all connections, then everything; `stopped` answers. */
  | { readonly type: 'stop' };

/** Which session of which thread. */
export type SessionPlace = Pick<RemoteSession, 'thread' | 'id' | 'serial'>;

export type DetachedSession = Pick<RemoteSession, 'thread' | 'serial' | 'tenant' | 'device' | 'sources'>;

/** Where and since which move the device of a session of this worker is, as the mesh has it. */
export type SettledSession = SessionPlace & DevicePast & Pick<RemoteSession, 'tenant' | 'device'>;

/** Of a whole tenant, of one device, or of one token, as far as the parts are given. */
export interface RevocationCommand {
  readonly tenant: string;
  readonly device?: string;
  readonly tokenId?: string;
}

/** What a data-plane thread tells the main thread. */
export type Notice =
  /** Sockets and TUN are open. @param device the TUN's name, if there is to be one */
  | { readonly type: 'ready'; readonly device: string | undefined; readonly fallbacks: readonly string[] }
  | {
      readonly type: 'connected';
      readonly tenant: string;
      readonly device: string;
      readonly ipv4: string;
      readonly ipv6: string;
    }
  | { readonly type: 'disconnected'; readonly tenant: string; readonly device: string; readonly reason: string }
  /** What lies behind a device is reached by it otherwise than before. */
  | {
      readonly type: 'site';
      readonly tenant: string;
      readonly device: string;
      readonly state: SiteState;
      readonly before: SiteState;
    }
  | { readonly type: 'attached'; readonly session: RemoteSession }
  | { readonly type: 'detached'; readonly session: DetachedSession }
  | { readonly type: 'assessed'; readonly id: number; readonly tunnels: number; readonly cut: number }
  /** As TENANT/DEVICE. */
  | { readonly type: 'previous-key-devices'; readonly devices: readonly string[] }
  | ({ readonly type: 'probed' } & ProbeAnswer)
  | { readonly type: 'collected'; readonly connections: number; readonly sessions: number }
  /** A bug was met. @param ended the most that it ended @param error with its stack */
  | { readonly type: 'fault'; readonly ended: string; readonly error: string }
  /** The log of a connection could not be written: the first one since logging began. */
  | { readonly type: 'qlog-failed'; readonly path: string; readonly reason: string }
  /** It cannot go on; one sentence. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stopped' };
