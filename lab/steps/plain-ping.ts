import type { Step } from '../journey.ts';
import { ping } from '../ping.ts';
import { INTERNET_HOST } from '../topology.ts';

/** client1 reaches the internet host by routing alone: what every tunnel is compared with. */
export const plainPing: Step = {
  name: 'plain-ping',
  title: 'client1 pings the internet host, plain routing',
  needsNamespaces: 'the loopback has no links and no routers that packets could pass',
  run: async ({ lab }) => [
    ...(await ping(lab, 'client1', INTERNET_HOST.v4, 'v4')),
    ...(await ping(lab, 'client1', INTERNET_HOST.v6, 'v6')),
  ],
};
