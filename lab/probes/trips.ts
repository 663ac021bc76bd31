import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../ping.ts';
import { agentBy } from './socks.ts';

/** What has not come by then is lost, and so is its connection. */
const PATIENCE_MS = 1000;

const once = (url: string, agent: http.Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { agent, signal: AbortSignal.timeout(PATIENCE_MS) }, (response) => {
      response.on('end', resolve);
      response.on('error', reject);
      response.resume();
    });
    request.on('error', reject);
  });

/**
 * Small requests, one after the other on one connection as long as it lasts, with answers as ping has them.
 *
 * @param everyMs from one request to the next at least
 */
export const roundTrips = async (url: string, count: number, everyMs: number, socks?: string): Promise<Reply[]> => {
  const agent = agentBy(socks, { keepAlive: true, maxSockets: 1 });
  const replies: Reply[] = [];
  try {
    for (let sequence = 1; sequence <= count; sequence++) {
      const start = performance.now();
      await once(url, agent).then(
        () => replies.push({ sequence, rttUs: Math.round((performance.now() - start) * 1000), atMs: Date.now() }),
        () => {},
      );
      await sleep(Math.max(0, everyMs - (performance.now() - start)));
    }
  } finally {
    agent.destroy();
  }
  return replies;
};
