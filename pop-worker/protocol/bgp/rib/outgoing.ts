import { Segment } from '../wire/attributes/as-path.ts';
import { MAX_CANONICAL_BYTES, writeHead } from '../wire/attributes/canonical.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import {
  AttributeFlag,
  OPTIONAL_NON_TRANSITIVE,
  OPTIONAL_TRANSITIVE,
  WELL_KNOWN,
} from '../wire/attributes/definition.ts';
import { copyBytes, u16At, writeU32 } from '../wire/bytes.ts';
import { RouteFlag } from './attribute-columns.ts';
import type { AttributeStore } from './attribute-store.ts';
import { DEFAULT_LOCAL_PREF } from './decision.ts';
import { addsOtc, type ExportRules } from './export-rules.ts';
import { isOfLink } from './next-hops.ts';

/** How a route goes out, besides its attributes. */
export const OutFlag = {
  /** MULTI_EXIT_DISC is for the neighbour: ours, or set by policy. */
  keepsMed: 1,
  /** Policy has set the next hop. */
  keepsNextHop: 2,
  /** From one internal neighbour to another (RFC 4456). */
  isReflected: 4,
} as const;

/** What may be added: an AS number, LOCAL_PREF, CLUSTER_LIST, ONLY_TO_CUSTOMER and longer heads. */
const MAX_ADDED_BYTES = 64;
const EMPTY = new Uint8Array(0);

/**
 * Attributes as a group of neighbours is sent them: written anew for each UPDATE, so that a set is kept once whoever is
 * told of it. Reused: `write` overwrites all of it.
 */
export class Outgoing {
  /** Attributes are in [0, end). */
  readonly bytes = new Uint8Array(MAX_CANONICAL_BYTES + MAX_ADDED_BYTES);
  end = 0;
  nextHop: Uint8Array = EMPTY;
  readonly #clusterId: number;
  readonly #hops = [new Uint8Array(4), new Uint8Array(16), new Uint8Array(32)] as const;

  constructor(clusterId: number) {
    this.#clusterId = clusterId;
  }

  /** @param flags of `OutFlag` */
  write(store: AttributeStore, id: number, flags: number, rules: ExportRules): void {
    this.end = this.#writeAll(store, id, flags, rules);
    this.nextHop = this.#nextHop(store, store.columns.nextHop[id] as number, flags, rules);
  }

  #writeAll(store: AttributeStore, id: number, flags: number, rules: ExportRules): number {
    const out = this.bytes;
    const buffer = store.bytesOf(id);
    const start = store.startOf(id);
    const end = start + store.lengthOf(id);
    const known = store.columns.flags[id] as number;
    const isReflected = (flags & OutFlag.isReflected) !== 0;
    let needsLocalPref = !rules.isExternal && (known & RouteFlag.hasLocalPref) === 0;
    let needsCluster = isReflected && store.columns.clusterLength[id] === 0;
    let needsOtc = (known & RouteFlag.hasOtc) === 0 && addsOtc(rules);
    let next = 0;
    for (let at = start; at < end; ) {
      const isExtended = ((buffer[at] as number) & AttributeFlag.extendedLength) !== 0;
      const code = buffer[at + 1] as number;
      const value = at + (isExtended ? 4 : 3);
      const stop = value + (isExtended ? u16At(buffer, at + 2) : (buffer[at + 2] as number));
      if (needsLocalPref && code > AttributeCode.localPref) {
        next = writeLocalPref(out, next);
        needsLocalPref = false;
      }
      if (needsCluster && code > AttributeCode.clusterList) {
        next = this.#writeCluster(EMPTY, 0, 0, next);
        needsCluster = false;
      }
      if (needsOtc && code > AttributeCode.onlyToCustomer) {
        next = writeOtc(rules.localAs, out, next);
        needsOtc = false;
      }
      if (code === AttributeCode.asPath && rules.isExternal && !rules.isServed)
        next = writePrepended(buffer, value, stop, rules.localAs, out, next);
      else if (code === AttributeCode.clusterList && isReflected) next = this.#writeCluster(buffer, value, stop, next);
      else if (
        (code === AttributeCode.extendedCommunities || code === AttributeCode.ipv6ExtendedCommunities) &&
        rules.isExternal
      )
        next = writeTransitive(buffer, at, value, stop, out, next);
      else if (isSent(code, flags, rules)) next = copyBytes(buffer, at, stop, out, next);
      at = stop;
    }
    if (needsLocalPref) next = writeLocalPref(out, next);
    if (needsCluster) next = this.#writeCluster(EMPTY, 0, 0, next);
    return needsOtc ? writeOtc(rules.localAs, out, next) : next;
  }

  /** RFC 4456 §8: ours before those that it has been through. */
  #writeCluster(buffer: Uint8Array, start: number, end: number, at: number): number {
    const bytes = 4 + end - start;
    const value = writeHead(this.bytes, at, OPTIONAL_NON_TRANSITIVE, AttributeCode.clusterList, bytes);
    return copyBytes(buffer, start, end, this.bytes, writeU32(this.bytes, value, this.#clusterId));
  }

  /** RFC 2545 §3: a link-local address is for those on the link alone; internal neighbours may be anywhere. */
  #nextHop(store: AttributeStore, hop: number, flags: number, rules: ExportRules): Uint8Array {
    const { nextHops } = store;
    const known = nextHops.lengthOf(hop);
    const isKept = (flags & OutFlag.keepsNextHop) !== 0 || !rules.setsNextHop;
    if (known === 0 || !isKept || (!rules.isExternal && isOfLink(store, hop))) return rules.ownNextHop;
    const bytes = rules.isExternal ? known : Math.min(known, 16);
    const hopOut = this.#hops[bytes === 4 ? 0 : bytes === 16 ? 1 : 2];
    const start = nextHops.startOf(hop);
    copyBytes(nextHops.bytesOf(hop), start, start + bytes, hopOut, 0);
    return hopOut;
  }
}

/** What of a set goes out as it is. */
const isSent = (code: number, flags: number, { isExternal, isServed }: ExportRules): boolean => {
  if (!isExternal) return true;
  // RFC 4271 §5.1.4, §5.1.5; RFC 4456 §7: they mean nothing elsewhere.
  if (code === AttributeCode.multiExitDisc) return isServed || (flags & OutFlag.keepsMed) !== 0;
  return code !== AttributeCode.localPref && code !== AttributeCode.originatorId && code !== AttributeCode.clusterList;
};

const writeLocalPref = (out: Uint8Array, at: number): number =>
  writeU32(out, writeHead(out, at, WELL_KNOWN, AttributeCode.localPref, 4), DEFAULT_LOCAL_PREF);

const writeOtc = (as: number, out: Uint8Array, at: number): number =>
  writeU32(out, writeHead(out, at, OPTIONAL_TRANSITIVE, AttributeCode.onlyToCustomer, 4), as);

const NON_TRANSITIVE = 0x40;

/** Of extended communities those that may leave the AS (RFC 4360 §6, RFC 5701 §2); nothing when there are none. */
const writeTransitive = (
  buffer: Uint8Array,
  start: number,
  value: number,
  end: number,
  out: Uint8Array,
  at: number,
): number => {
  const code = buffer[start + 1] as number;
  const size = code === AttributeCode.extendedCommunities ? 8 : 20;
  let count = 0;
  for (let from = value; from < end; from += size) if (((buffer[from] as number) & NON_TRANSITIVE) === 0) count++;
  if (count === 0) return at;
  const flags = (buffer[start] as number) & ~AttributeFlag.extendedLength;
  let next = writeHead(out, at, flags, code, count * size);
  for (let from = value; from < end; from += size) {
    if (((buffer[from] as number) & NON_TRANSITIVE) === 0) next = copyBytes(buffer, from, from + size, out, next);
  }
  return next;
};

/** RFC 4271 §5.1.2 b: into the sequence that is first, or before what is. */
const writePrepended = (
  buffer: Uint8Array,
  start: number,
  end: number,
  as: number,
  out: Uint8Array,
  at: number,
): number => {
  const isSequence = start < end && buffer[start] === Segment.sequence && (buffer[start + 1] as number) < 0xff;
  const count = isSequence ? (buffer[start + 1] as number) : 0;
  const rest = isSequence ? start + 2 : start;
  let next = writeHead(out, at, WELL_KNOWN, AttributeCode.asPath, 6 + end - rest);
  out[next++] = Segment.sequence;
  out[next++] = count + 1;
  next = writeU32(out, next, as);
  return copyBytes(buffer, rest, end, out, next);
};
