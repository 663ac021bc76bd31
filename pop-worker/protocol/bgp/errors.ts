import { type Fault, ProtocolError } from '../contract.ts';

/** NOTIFICATION error codes (RFC 4271 §4.5, RFC 7313 §5, RFC 9687 §4). */
export const ErrorCode = {
  messageHeader: 1,
  open: 2,
  update: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimerExpired: 8,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** RFC 4271 §6.1. */
export const HeaderSubcode = { notSynchronized: 1, badLength: 2, badType: 3 } as const;

/** RFC 4271 §6.2, RFC 5492 §5, RFC 9234 §4.2. */
export const OpenSubcode = {
  unspecific: 0,
  unsupportedVersion: 1,
  badPeerAs: 2,
  badIdentifier: 3,
  unsupportedParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
  roleMismatch: 11,
} as const;

/** RFC 4271 §6.3. */
export const UpdateSubcode = {
  malformedAttributeList: 1,
  unrecognizedWellKnown: 2,
  missingWellKnown: 3,
  attributeFlags: 4,
  attributeLength: 5,
  invalidOrigin: 6,
  invalidNextHop: 8,
  optionalAttribute: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

/** RFC 6608 §3. */
export const FsmSubcode = { unspecific: 0, openSent: 1, openConfirm: 2, established: 3 } as const;

/** RFC 4486 §3, RFC 8538 §3, RFC 9384 §3. */
export const CeaseSubcode = {
  maximumPrefixes: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  collisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

/** RFC 7313 §5. */
export const RouteRefreshSubcode = { invalidLength: 1 } as const;

/** Ends a session: `code`, `subcode` and `data` are those of the NOTIFICATION to send (RFC 4271 §6). */
export class BgpError extends ProtocolError {
  readonly subcode: number;
  /** What the NOTIFICATION carries, a copy. */
  readonly data: Uint8Array;

  constructor(code: number, subcode: number, fault: Fault, message: string, data: Uint8Array = NOTHING) {
    super(code, fault, message);
    this.subcode = subcode;
    this.data = data;
  }
}

/** The peer broke the protocol. */
export const remoteError = (code: number, subcode: number, message: string, data?: Uint8Array): BgpError =>
  new BgpError(code, subcode, 'remote', message, data);

/** We did, or were misused. It ends the session by Cease, Out of Resources. */
export const localError = (message: string): BgpError =>
  new BgpError(ErrorCode.cease, CeaseSubcode.outOfResources, 'local', message);

const NOTHING = new Uint8Array(0);
