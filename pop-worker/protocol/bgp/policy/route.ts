import type { AttributeStore } from '../rib/attribute-store.ts';
import type { PrefixTable } from '../rib/prefix-table.ts';

/** By the order of `RPKI_NAMES` (RFC 6811 §2). */
export const RpkiState = { notFound: 0, valid: 1, invalid: 2 } as const;
export type RpkiState = (typeof RpkiState)[keyof typeof RpkiState];

/** Whoever knows which AS may originate a prefix. */
export interface OriginValidator {
  /**
   * @param address four words, the first of which is all of an IPv4 address
   * @param originAs 0: the path ends with an AS_SET
   */
  state(bits: 32 | 128, address: Uint32Array, length: number, originAs: number): RpkiState;
}

/** A neighbour, as rules know it. */
export interface PolicyNeighbour {
  readonly name: string;
  /** Text. */
  readonly address: string;
  readonly as: number;
  /** What it is to us, as a number of RFC 9234 §4.1; undefined: not known. */
  readonly role: number | undefined;
}

/** What a policy is used with. */
export interface PolicyContext {
  readonly store: AttributeStore;
  /** @returns the prefixes of a family by id; undefined for flow specifications */
  prefixes(family: number): PrefixTable | undefined;
  /** By index; not asked for our own routes. */
  neighbour(index: number): PolicyNeighbour | undefined;
  /** Ours towards the neighbour. */
  readonly localAs: number;
  /** Of export: whom routes go to. */
  readonly to?: PolicyNeighbour | undefined;
  readonly validator?: OriginValidator | undefined;
}

/** The route that is being looked at; one object for all of a policy. */
export class PolicyRoute {
  readonly context: PolicyContext;
  source = 0;
  family = 0;
  destination = 0;
  /** Id of the set as it is by now. */
  attributes = 0;
  /** Whether a reference to `attributes` is ours to give back. */
  isOwned = false;
  /** Of its prefix, once `hasPrefix` has been asked. */
  readonly address = new Uint32Array(4);
  length = 0;

  constructor(context: PolicyContext) {
    this.context = context;
  }

  begin(source: number, family: number, destination: number, attributes: number): void {
    this.source = source;
    this.family = family;
    this.destination = destination;
    this.attributes = attributes;
    this.isOwned = false;
  }

  /** Puts its prefix into `address` and `length`. @returns whether it has one */
  hasPrefix(): boolean {
    const table = this.context.prefixes(this.family);
    if (table === undefined) return false;
    table.addressOf(this.destination, this.address);
    this.length = table.lengthOf(this.destination);
    return true;
  }

  /** Becomes that of another set, with a reference that comes from the caller. */
  become(attributes: number): void {
    this.drop();
    this.attributes = attributes;
    this.isOwned = true;
  }

  drop(): void {
    if (this.isOwned) this.context.store.release(this.attributes);
    this.isOwned = false;
  }
}
