import type { Negotiated } from './fsm/negotiate.ts';
import type { UpdateReader } from './wire/update.ts';

/** What a session needs of the tables of routes. */
export interface Routes {
  /** The session is there. */
  up(index: number, negotiated: Negotiated): void;
  /** It is not. @param kept families whose routes are kept for a while (RFC 4724 §4.2) */
  down(index: number, kept: readonly number[]): void;
  /** An UPDATE, that is good or whose `outcome` is to be heeded. */
  take(index: number, update: UpdateReader): void;
  /** The neighbour wants all routes of a family once more (RFC 2918). */
  refresh(index: number, family: number): void;
  /** Stale routes of a family go (RFC 4724 §4.2). */
  dropStale(index: number, family: number): void;
  /** They stay as a last resort (RFC 9494 §4.3). */
  keepLongLived(index: number, family: number): void;
  /** The neighbour begins to tell all routes of a family once more, or has told them (RFC 7313 §4). */
  refreshBegins(index: number, family: number): void;
  refreshEnds(index: number, family: number): void;
  hasOutput(index: number): boolean;
  /** Writes one more message, for the largest of which there is room behind `at`. @returns its bytes; 0: there is none */
  nextUpdate(index: number, buffer: Uint8Array, at: number): number;
}
