import type { Capabilities } from '../wire/capabilities/definition.ts';

/** How a session with a neighbour is to be. */
export interface SessionSettings {
  readonly localAs: number;
  /** Ours. */
  readonly identifier: number;
  readonly remoteAs: number;
  /** What we are able to do, or are to do. */
  readonly capabilities: Capabilities;
  /** 0: nobody is waited for; otherwise at least 3. */
  readonly holdTimeS: number;
  /** Between attempts to connect, before jitter (RFC 4271 §10). */
  readonly connectRetryUs: number;
  /** A message must go out within this time (RFC 9687 §4); 0: however long it takes. */
  readonly sendHoldUs: number;
  /** The neighbour is waited for, never connected to. */
  readonly isPassive: boolean;
  /** A neighbour that does not say its role is no neighbour (RFC 9234 §4.2). */
  readonly isRoleStrict: boolean;
  /** Its AS has to be the leftmost one (RFC 4271 §6.3); not for a route server's client. */
  readonly checksFirstAs: boolean;
  readonly takesAsSets: boolean;
}
