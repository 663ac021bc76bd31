import type { SimCase } from '../suites.ts';
import { RULES } from './rules.ts';
import { type Story, tellStory } from './story.ts';

export const STORIES: readonly Story[] = [
  {
    name: 'pops-fail',
    summary:
      '24 PoPs, 2,000 clients: killed with loss of memory, stopped and resumed, stuck, cut off, drained, routes that flap',
    ...{ pops: 24, clients: 2000 },
    faults: ['kill', 'reroute', 'stop', 'wedge', 'cutOff', 'drain', 'stop', 'reroute'],
  },
  {
    name: 'mesh-fails',
    summary: '24 PoPs, 2,000 clients: the mesh falls apart, links flap and lose, while routes flap and a PoP is killed',
    ...{ pops: 24, clients: 2000 },
    faults: ['partition', 'reroute', 'isolate', 'flap', 'kill', 'lose', 'partition', 'reroute', 'oneWay', 'darkness'],
  },
  {
    name: 'split',
    summary:
      '12 PoPs, 1,000 clients: the mesh is in two parts for seconds, while PoPs are drained and killed and routes flap',
    ...{ pops: 12, clients: 1000 },
    faults: ['split', 'reroute', 'drain', 'kill', 'reroute', 'reroute'],
  },
  {
    name: 'flutter',
    summary: '12 PoPs, 500 clients: one is stuck again and again, another is killed meanwhile',
    ...{ pops: 12, clients: 500 },
    faults: ['flutter', 'kill', 'stop'],
  },
];

/** Scenarios of `cloudbridge sim anycast`. */
export const cases: readonly SimCase[] = STORIES.map((story) => ({
  name: story.name,
  summary: story.summary,
  run: (seed, trace) => {
    const { figures, broken } = tellStory(story, seed, trace);
    const [first] = broken;
    if (first !== undefined) throw new Error(`seed ${seed}, rule \`${first[0]}\` (${RULES[first[0]]}): ${first[1]}`);
    return [...figures];
  },
}));
