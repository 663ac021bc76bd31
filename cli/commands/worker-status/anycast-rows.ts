import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
import { ageText } from '#telemetry/age.ts';
import { bfdText } from '../../bfd-text.ts';
import { mrtText } from '../../mrt-text.ts';
import { plainText } from '../../plain-text.ts';

type Row = readonly [name: string, value: string];

/** What each state says to people. */
const WORDS: Readonly<Record<WorkerAnycastStatus['state'], string>> = {
  waiting: 'not announced: some checks have not held yet',
  announced: 'announced',
  returning: 'announced, coming back',
  last: 'announced as the last choice: nobody else is known to announce',
  draining: 'announced as leaving',
  drained: 'withdrawn: it was drained',
  failed: 'withdrawn: a check has failed',
  held: 'withdrawn: held back, for it came and went',
  withdrawn: 'withdrawn by order',
};

const drainText = ({ sessions, left, seconds, ended }: NonNullable<WorkerAnycastStatus['drain']>): string => {
  const moved = `${sessions - left} of ${sessions} sessions have gone`;
  if (ended === undefined) return `${moved} in ${ageText(seconds * 1000)}`;
  return `${moved}, ended after ${ageText(seconds * 1000)} (${ended})`;
};

const neighborText = (neighbor: WorkerAnycastStatus['neighbors'][number]): string => {
  const { state, upSeconds, lastError, lastSession, heldBackSeconds, noNextHop, bfd } = neighbor;
  return [
    upSeconds === undefined ? state : `${state} for ${ageText(upSeconds * 1000)}`,
    ...(heldBackSeconds === undefined ? [] : [`held back for ${ageText(heldBackSeconds * 1000)}`]),
    ...(bfd === undefined ? [] : [bfdText(bfd)]),
    ...(noNextHop === undefined ? [] : [`is not told ${noNextHop.join(' and ')}: no next hop of ours`]),
    ...(upSeconds !== undefined || lastError === undefined ? [] : [`last: ${plainText(lastError)}`]),
    ...(lastSession === undefined || (upSeconds === undefined && lastSession.reason === lastError)
      ? []
      : [`its session ended ${ageText(lastSession.endedSecondsAgo * 1000)} ago: ${plainText(lastSession.reason)}`]),
  ].join(', ');
};

const lateRows = ({ threads, forwarding }: WorkerAnycastStatus['late']): Row[] =>
  threads + forwarding === 0
    ? []
    : [['too busy', `its threads waited for a core: ${threads} times for too long, ${forwarding} answers were late`]];

/** What a worker announces, why, and to whom. */
export const anycastRows = ({
  state,
  announcement,
  checks,
  drain,
  prefixes,
  only,
  neighbors,
  refused,
  failedUplinks,
  late,
  mrt,
}: WorkerAnycastStatus): Row[] => {
  // A drain goes on also where nothing was announced, or has been withdrawn since.
  const words = state === 'draining' && !announcement.isAnnounced ? 'withdrawn: it drains' : WORDS[state];
  const preference = announcement.isAnnounced ? `, preference ${announcement.preference} of 10` : '';
  return [
    ['anycast', `${words}${preference}`],
    ['prefixes', prefixes.join(', ') || 'none'],
    ...(only === undefined ? [] : [['announced of them', only.join(', ') || 'none'] as const]),
    ...checks
      .filter((check) => check.state !== 'holds')
      .map(({ name, state: is, reason }): Row => [`check ${name}`, is === 'failed' ? reason : 'not known yet']),
    ...lateRows(late),
    ...(drain === undefined ? [] : [['drain', drainText(drain)] as const]),
    ...neighbors.map((neighbor): Row => [`BGP ${neighbor.name}`, neighborText(neighbor)]),
    ...(mrt === undefined ? [] : [['MRT', mrtText(mrt)] as const]),
    ...failedUplinks.map((name): Row => [`uplink ${name}`, 'leads nowhere']),
    ...refused.map(({ name, reason }): Row => [`BGP ${name}`, `refused: ${reason}`]),
  ];
};
