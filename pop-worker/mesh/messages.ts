import type { DetachedSession, SessionPlace, SettledSession } from '#dataplane/commands.ts';
import type { RemoteSession } from '#dataplane/forward/remote-sessions.ts';
import type { PeerStatus } from '#protocol/mesh/status.ts';
import type { HandoffPlace } from '#protocol/mesh/wire/hello.ts';
import type { LinkSecret } from './link.ts';
import type { MeshPeer, MeshThreadSetup } from './setup.ts';

/** What the main thread tells the mesh thread. */
export type MeshCommand =
  /** A session came to a data-plane thread of this worker, or left it. */
  | { readonly type: 'attached'; readonly session: RemoteSession }
  | { readonly type: 'detached'; readonly session: DetachedSession }
  /** Other workers, in place of those before. */
  | { readonly type: 'peers'; readonly peers: readonly MeshPeer[] }
  /** Of links from now on. */
  | { readonly type: 'tls'; readonly tls: MeshThreadSetup['tls'] }
  /** Which prefixes this worker announces where it does, and whether it does, as one that stays and not as the last choice. */
  | { readonly type: 'announces'; readonly announces: boolean; readonly prefixes: readonly string[] }
  /** `status` answers. */
  | { readonly type: 'status'; readonly id: number }
  | { readonly type: 'stop' };

export interface MeshPeerStatus extends PeerStatus {
  readonly name: string;
  /** Why there is no link, as far as that is known; one sentence. */
  readonly problem?: string | undefined;
}

export interface MeshStatus {
  readonly member: number;
  readonly holdsLease: boolean;
  /** Devices whose place is known, and those of them that are here. */
  readonly devices: number;
  readonly ownDevices: number;
  readonly peers: readonly MeshPeerStatus[];
}

/** What the mesh thread tells. */
export type MeshNotice =
  | { readonly type: 'ready'; readonly port: number }
  /** A session at another worker, which this thread stands for; all data-plane threads are to hear of it. */
  | { readonly type: 'attached'; readonly session: RemoteSession }
  | { readonly type: 'detached'; readonly session: DetachedSession }
  | { readonly type: 'linked'; readonly member: number; readonly name: string }
  /** Where a member that there is a link to is handed packets, and the secret that both have for that from the link. */
  | ({ readonly type: 'handoff'; readonly member: number; readonly address: string } & HandoffPlace & LinkSecret)
  | { readonly type: 'unlinked'; readonly member: number; readonly name: string; readonly reason: string }
  /** Somebody wanted to be let in, or was to be reached, and is no member. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Whether the device of a session of ours may be served, or is elsewhere. */
  | ({ readonly type: 'settled' } & SettledSession)
  | ({ readonly type: 'superseded' } & SessionPlace)
  | { readonly type: 'lease'; readonly isHeld: boolean }
  | { readonly type: 'verdict'; readonly member: number; readonly isDead: boolean }
  /** A data-plane thread hangs, or none does any more. */
  | { readonly type: 'serving'; readonly isServing: boolean }
  /** Which prefixes of this worker others announce too; undefined: nobody is heard. */
  | { readonly type: 'others'; readonly shared: ReadonlySet<string> | undefined }
  | { readonly type: 'resumed'; readonly gapMs: number }
  | { readonly type: 'status'; readonly id: number; readonly status: MeshStatus }
  | { readonly type: 'fault'; readonly error: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stopped' };
