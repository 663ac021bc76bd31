import { parseIpAddress } from '#protocol/ip/text.ts';
import { Segment } from '../wire/attributes/as-path.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from '../wire/attributes/definition.ts';
import { writeU32 } from '../wire/bytes.ts';
import type { AttributeSet } from './attribute-set.ts';
import type { CommunityPattern } from './community-pattern.ts';
import { communityPatterns } from './conditions.ts';
import { type Wrong, within } from './fault.ts';
import { type Changes, ORIGIN_NAMES } from './rule.ts';

/** One thing that is changed of a route. */
export interface Change {
  /** As people read it. */
  readonly text: string;
  /** Whether it sets MULTI_EXIT_DISC. */
  readonly setsMed?: true;
  apply(set: AttributeSet, localAs: number): void;
}

/** Of one segment of a path (RFC 4271 §4.3 b). */
const MAX_SEGMENT = 255;
/** More than that is cut by many; no one needs it. */
const MAX_PREPEND = 50;

/** @param wrong as in `conditionsOf` */
export const changesOf = (changes: Changes, wrong: Wrong): Change[] => {
  const at = (field: keyof Changes): Wrong => within(wrong, field);
  const { localPref, med, origin, nextHop, prepend, removeCommunities, addCommunities } = changes;
  const list: (Change | undefined)[] = [
    localPref === undefined ? undefined : setLocalPref(localPref),
    med === undefined ? undefined : setMed(med),
    origin === undefined ? undefined : setOrigin(ORIGIN_NAMES.indexOf(origin), origin),
    nextHop === undefined ? undefined : setNextHop(nextHop, at('nextHop')),
    prepend === undefined ? undefined : prependAs(prepend.times, prepend.as, at('prepend')),
    removeCommunities && withoutCommunities(removeCommunities, at('removeCommunities')),
    addCommunities && withCommunities(addCommunities, at('addCommunities')),
  ];
  return list.filter((change) => change !== undefined);
};

const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
};

const setLocalPref = (value: number): Change => ({
  text: `local-pref ${value}`,
  apply: (set) => set.put(AttributeCode.localPref, WELL_KNOWN, word(value)),
});

const setMed = (value: number | 'none'): Change => ({
  text: value === 'none' ? 'without med' : `med ${value}`,
  setsMed: true,
  apply: (set) => {
    if (value === 'none') set.remove(AttributeCode.multiExitDisc);
    else set.put(AttributeCode.multiExitDisc, OPTIONAL_NON_TRANSITIVE, word(value));
  },
});

const setOrigin = (value: number, name: string): Change => ({
  text: `origin ${name}`,
  apply: (set) => set.put(AttributeCode.origin, WELL_KNOWN, Uint8Array.of(value)),
});

const setNextHop = (text: string, wrong: Wrong): Change => {
  const bytes = text === 'self' ? new Uint8Array(0) : parseIpAddress(text);
  if (bytes === undefined) wrong(`sets the next hop "${text}", which is neither an IP address nor self`);
  return {
    text: `next hop ${text}`,
    apply: (set) => {
      set.nextHop = bytes ?? set.nextHop;
    },
  };
};

const prependAs = (times: number, as: number | undefined, wrong: Wrong): Change => {
  if (times < 1 || times > MAX_PREPEND) wrong(`prepends ${times} times, which is to be from 1 to ${MAX_PREPEND}`);
  return {
    text: `prepend ${as ?? 'our AS'} ${times} times`,
    apply: (set, localAs) => {
      const path = set.value(AttributeCode.asPath);
      set.put(AttributeCode.asPath, WELL_KNOWN, prepended(path, as ?? localAs, times));
    },
  };
};

/**
 * In the first segment, where that is a sequence with room; otherwise before it (RFC 4271 §5.1.2 b).
 *
 * @param path value of AS_PATH
 * @returns the same with an AS some times in front
 */
export const prepended = (path: Uint8Array, as: number, times: number): Uint8Array => {
  const has = path.length > 0 && path[0] === Segment.sequence ? (path[1] as number) : 0;
  const joins = has > 0 && has + times <= MAX_SEGMENT;
  const out = new Uint8Array(path.length + 4 * times + (joins ? 0 : 2));
  out[0] = Segment.sequence;
  out[1] = times + (joins ? has : 0);
  for (let i = 0; i < times; i++) writeU32(out, 2 + 4 * i, as);
  out.set(path.subarray(joins ? 2 : 0), 2 + 4 * times);
  return out;
};

const CODES = [AttributeCode.communities, AttributeCode.extendedCommunities, AttributeCode.largeCommunities] as const;

const withoutCommunities = (texts: readonly string[], wrong: Wrong): Change => {
  if (texts.length === 0) wrong('removes no communities: name some, or leave it out');
  const patterns = communityPatterns(texts, wrong);
  return {
    text: `without communities ${texts.join(', ')}`,
    apply: (set) => {
      for (const code of CODES) {
        const meant = patterns.filter((pattern) => pattern.code === code);
        if (meant.length > 0) dropFrom(set, code, meant);
      }
    },
  };
};

const dropFrom = (set: AttributeSet, code: number, patterns: readonly CommunityPattern[]): void => {
  const value = set.value(code);
  const bytes = patterns[0]?.bytes ?? 4;
  const kept: number[] = [];
  for (let at = 0; at < value.length; at += bytes)
    if (!patterns.some((pattern) => pattern.test(value, at))) kept.push(...value.subarray(at, at + bytes));
  // An attribute without any value is malformed (RFC 7606 §7.8).
  if (kept.length === 0) set.remove(code);
  else if (kept.length < value.length) set.put(code, OPTIONAL_TRANSITIVE, Uint8Array.from(kept));
};

const withCommunities = (texts: readonly string[], wrong: Wrong): Change => {
  if (texts.length === 0) wrong('adds no communities: name some, or leave it out');
  const added = communityPatterns(texts, wrong);
  for (const [i, { exact }] of added.entries())
    if (exact === undefined) wrong(`adds "${texts[i]}", which is not one community`);
  return {
    text: `communities ${texts.join(', ')}`,
    apply: (set) => {
      for (const pattern of added) addTo(set, pattern);
    },
  };
};

const addTo = (set: AttributeSet, { code, bytes, exact, test }: CommunityPattern): void => {
  const value = set.value(code);
  for (let at = 0; at < value.length; at += bytes) if (test(value, at)) return;
  const longer = new Uint8Array(value.length + bytes);
  longer.set(value);
  longer.set(exact as Uint8Array, value.length);
  set.put(code, OPTIONAL_TRANSITIVE, longer);
};
