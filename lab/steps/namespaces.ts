import type { Step } from '../journey.ts';

/** Namespaces, links, addresses and routes of the whole lab. */
export const namespaces: Step = {
  name: 'namespaces',
  title: 'namespaces, links and routes',
  essential: true,
  needsNamespaces: 'without root everything is on addresses of the loopback',
  run: async (journey) => {
    const start = performance.now();
    await journey.raise();
    const created = Math.round(performance.now() - start);
    return [
      { metric: 'created', value: created, unit: 'ms', bar: { atMost: 3000 } },
      { metric: 'hosts', value: journey.lab.topology?.hosts.length ?? 0, unit: 'count' },
    ];
  },
};
