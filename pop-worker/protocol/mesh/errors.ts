import { type Fault, ProtocolError } from '../contract.ts';

/** Why a link is closed: application error codes of its QUIC connection (SPEC.md, "Errors"). */
export const MeshErrorCode = {
  /** Nothing is wrong: the worker stops, or the other is no member any more. */
  none: 0x0,
  /** A frame that cannot be read, or that must not come here. */
  frame: 0x1,
  /** No version of the protocol that both sides speak. */
  version: 0x2,
  /** The other side is not who its certificate says, or is none of the members. */
  member: 0x3,
  /** More frames a second than a member may send. */
  rate: 0x4,
  /** Another link to the same member has taken the place of this one. */
  replaced: 0x5,
  /** A mistake of our own. */
  internal: 0x6,
  /** The other takes nothing of what it is sent. */
  stalled: 0x7,
} as const;
export type MeshErrorCode = (typeof MeshErrorCode)[keyof typeof MeshErrorCode];

/** A peer broke the protocol, or we were misused; `code` is that of `MeshErrorCode`. */
export class MeshError extends ProtocolError {
  declare readonly code: MeshErrorCode;

  constructor(code: MeshErrorCode, fault: Fault, message: string) {
    super(code, fault, message);
  }
}

export const frameError = (message: string): MeshError => new MeshError(MeshErrorCode.frame, 'remote', message);
