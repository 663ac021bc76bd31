import type { Rule } from '../rule.ts';

/** Our AS as often as that, on the way out: longer than most ways that do without us. */
const PREPENDED = 3;
/** LOCAL_PREF of a route that nothing was said about. */
const PREFERENCE = 100;

/** Own prefixes, and nothing else. */
export const anycast: readonly Rule[] = [{ name: 'own prefixes', match: { from: ['own'] }, end: 'accept' }];

/** RFC 8326 §4.1: everything that is told is told as about to go, and falls through to the next rule. */
export const drain: readonly Rule[] = [
  {
    name: 'about to go',
    set: { localPref: 0, prepend: { times: PREPENDED }, addCommunities: ['graceful-shutdown'] },
  },
];

/** How a PoP tells of the service's prefixes. */
export interface AnycastExport {
  /** Prefixes, as rules have them. */
  readonly prefixes: readonly string[];
  /** Of the PoP's own, at all times. */
  readonly prepend: number;
  readonly med?: number | undefined;
  /** From 0, drained, to 1: between them while it comes back. */
  readonly share: number;
}

/** @returns the rules for what its neighbours are told: these prefixes of our own, and nothing else */
export const anycastExport = ({ prefixes, prepend, med, share }: AnycastExport): readonly Rule[] => {
  const isDrained = share <= 0;
  const times = prepend + (isDrained ? 0 : Math.round(PREPENDED * (1 - share)));
  return [
    { name: 'not ours', match: { not: { from: ['own'], prefixes } }, end: 'reject' },
    {
      name: 'as preferred',
      set: {
        localPref: Math.round(PREFERENCE * share),
        ...(times > 0 && { prepend: { times } }),
        ...(med !== undefined && { med }),
      },
    },
    ...(isDrained ? [{ name: 'drained', call: 'drain' }] : []),
    { name: 'told', end: 'accept' },
  ];
};
