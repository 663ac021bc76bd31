import type { UpdateRules } from '../update-rules.ts';

/** What an error in an UPDATE costs (RFC 7606 §2), the weakest first; of several the strongest is done (§3 h). */
export const Outcome = {
  ok: 0,
  /** The attribute is left out. */
  discardAttribute: 1,
  /** The routes are withdrawn. */
  treatAsWithdraw: 2,
  /** All routes of the family are, and later ones are ignored (RFC 4760 §7). */
  disableFamily: 3,
  /** NOTIFICATION; a `BgpError` is thrown. */
  sessionReset: 4,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** What is wrong with a value. One object for each error, so that none is made when it happens. */
export interface Malformed {
  readonly outcome: Outcome;
  /** Of an UPDATE Message Error, should it come to a session reset. */
  readonly subcode: number;
  readonly reason: string;
}

/** Bits of Attribute Flags (RFC 4271 §4.3). */
export const AttributeFlag = { optional: 0x80, transitive: 0x40, partial: 0x20, extendedLength: 0x10 } as const;

export const WELL_KNOWN = AttributeFlag.transitive;
export const OPTIONAL_TRANSITIVE = AttributeFlag.optional | AttributeFlag.transitive;
export const OPTIONAL_NON_TRANSITIVE = AttributeFlag.optional;

/** A kind of path attribute. */
export interface AttributeRow {
  readonly code: number;
  readonly name: string;
  /** The Optional and Transitive bits that it must have. */
  readonly flags: number;
  /** Whether it means anything from an external neighbour; otherwise it is discarded there, whatever it holds. */
  readonly isInternal?: true;
  /** What an attribute of these flags costs when it has others (RFC 7606 §3 c, f). */
  readonly wrongFlags: Malformed;
  /** @returns what is wrong with a received value; undefined when it is well formed */
  check(buffer: Uint8Array, start: number, end: number, rules: UpdateRules): Malformed | undefined;
  /** @returns a value of the canonical form as people read it */
  text(buffer: Uint8Array, start: number, end: number): string;
}

export const malformed = (outcome: Outcome, subcode: number, reason: string): Malformed => ({
  outcome,
  subcode,
  reason,
});
