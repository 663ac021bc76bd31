import type { MessagePort } from 'node:worker_threads';
import type { ThreadKind } from '#host/thread/beats.ts';
import type { Timing } from '#protocol/bfd/parameters.ts';
import type { Diagnostic, State } from '#protocol/bfd/state.ts';
import type { BfdSessionConfig } from './setup.ts';

/** What the main thread asks of the BFD thread. Sessions have numbers that the main thread gives. */
export type BfdCommand =
  | { readonly type: 'open'; readonly id: number; readonly config: BfdSessionConfig }
  | { readonly type: 'close'; readonly id: number }
  | { readonly type: 'timing'; readonly id: number; readonly timing: Timing }
  | { readonly type: 'disable'; readonly id: number; readonly diagnostic: Diagnostic }
  | { readonly type: 'enable'; readonly id: number }
  /** Another thread that is to have sessions; commands of its sessions come by the port. */
  | { readonly type: 'seat'; readonly port: MessagePort }
  | { readonly type: 'stop' };

/** What a session has come to; `from` is `to` where only the peer entered or left AdminDown. */
export interface BfdChange {
  readonly from: State;
  readonly to: State;
  readonly remoteState: State;
  readonly diagnostic: Diagnostic;
  readonly remoteDiagnostic: number;
  /** The peer's BFD outlives its control plane (C bit). */
  readonly remoteIndependent: boolean;
  /** We ourselves are why it is not Up: a thread of ours is stuck, or that of BFD came too late. */
  readonly isOwn: boolean;
  /** On the engine's clock. */
  readonly atUs: number;
}

/** What the BFD thread tells. */
export type BfdNotice =
  | { readonly type: 'ready'; readonly realtime: boolean }
  /** The session has its sockets and the row `index` of the table. */
  | { readonly type: 'opened'; readonly id: number; readonly index: number }
  /** It cannot be had; one sentence. The thread has forgotten it. */
  | { readonly type: 'refused'; readonly id: number; readonly message: string }
  /** Its sockets cannot be opened; one sentence. It is tried again each second. */
  | { readonly type: 'unopened'; readonly id: number; readonly message: string }
  /** New timing that it cannot have; it goes on with what it had. */
  | { readonly type: 'kept'; readonly id: number; readonly message: string }
  | ({ readonly type: 'changed'; readonly id: number } & BfdChange)
  /** All sessions are kept down because that thread does not beat; undefined: no more. */
  | { readonly type: 'held'; readonly thread: ThreadKind | undefined }
  | { readonly type: 'stopped' };
