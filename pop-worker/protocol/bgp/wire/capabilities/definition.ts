/** Whether several paths of a prefix are taken and sent, for one family (RFC 7911 §4). */
export interface AddPath {
  readonly family: number;
  readonly receives: boolean;
  readonly sends: boolean;
}

/** RFC 4724 §3, RFC 8538 §2. */
export interface GracefulRestart {
  /** Restart State: it has restarted, and must not be waited for. */
  readonly isRestarting: boolean;
  /** Graceful Notification: NOTIFICATION messages, Hard Reset aside, do not end the helping. */
  readonly hasNotification: boolean;
  /** 0 to 4095. */
  readonly restartTimeS: number;
  readonly families: readonly { readonly family: number; readonly isForwarding: boolean }[];
}

/** One family of RFC 9494 §3. */
export interface LongLived {
  readonly family: number;
  readonly isForwarding: boolean;
  /** Long-Lived Stale Time, 0 to 2^24-1. */
  readonly staleTimeS: number;
}

/** Of the speaker that announces it (RFC 9234 §4.1). */
export const Role = { provider: 0, routeServer: 1, routeServerClient: 2, customer: 3, peer: 4 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** What one side of a session is able to do (RFC 5492). */
export interface Capabilities {
  /** RFC 4760 §8. Empty when the capability is absent: IPv4 unicast is meant then. */
  readonly families: readonly number[];
  /** RFC 2918 §2. */
  readonly routeRefresh: boolean;
  /** RFC 7313 §3.1. */
  readonly enhancedRouteRefresh: boolean;
  /** RFC 8654 §3. */
  readonly extendedMessages: boolean;
  /** The AS number (RFC 6793 §3). */
  readonly fourOctetAs: number | undefined;
  /** Families of IPv4 prefixes whose next hop may be of IPv6 (RFC 8950 §4). */
  readonly extendedNextHop: readonly number[];
  readonly addPath: readonly AddPath[];
  readonly gracefulRestart: GracefulRestart | undefined;
  /** RFC 9494 §3; never without `gracefulRestart`. */
  readonly longLived: readonly LongLived[];
  /** A number that is no `Role` fits none of ours (RFC 9234 §4.2). */
  readonly role: number | undefined;
  /** Codes that we do not know, in order, each once; for people to read. */
  readonly unknown: readonly number[];
}

export const NO_CAPABILITIES: Capabilities = {
  families: [],
  routeRefresh: false,
  enhancedRouteRefresh: false,
  extendedMessages: false,
  fourOctetAs: undefined,
  extendedNextHop: [],
  addPath: [],
  gracefulRestart: undefined,
  longLived: [],
  role: undefined,
  unknown: [],
};

/** Capabilities that are being read. */
export type Draft = { -readonly [Key in keyof Capabilities]: Capabilities[Key] };

/** The code of a capability, and how its value is read and written. */
export interface CapabilityRow {
  readonly code: number;
  readonly name: string;
  /**
   * Adds what an instance of it says; a later one decides unless its RFC says otherwise.
   *
   * @returns whether it is well formed
   * @throws BgpError remote when it contradicts an earlier one
   */
  read(value: Uint8Array, draft: Draft): boolean;
  /** @returns values of the instances to send, each at most 255 bytes */
  write(capabilities: Capabilities): readonly (readonly number[])[];
}

/** High byte first. */
export const u16Bytes = (value: number): number[] => [value >>> 8, value & 0xff];

export const u32Bytes = (value: number): number[] => [...u16Bytes(value >>> 16), ...u16Bytes(value & 0xffff)];

/** AFI and SAFI. */
export const familyBytes = (family: number): number[] => [...u16Bytes(family >>> 8), family & 0xff];
