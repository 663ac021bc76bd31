import { Bird } from '../bird.ts';
import type { Step } from '../journey.ts';

/** The router beside the PoPs, before they are there. */
export const router: Step = {
  name: 'router',
  title: 'the upstream router waits for PoPs to announce themselves by BGP',
  essential: true,
  needsNamespaces: 'without routers there is no anycast: devices are told the PoPs in order',
  needsBgp: true,
  run: async (journey) => {
    const start = performance.now();
    journey.bird = await Bird.start(journey.lab);
    return [{ metric: 'started', value: Math.round(performance.now() - start), unit: 'ms', bar: { atMost: 3000 } }];
  },
};
