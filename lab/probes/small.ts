import type http from 'node:http';
import { get } from 'node:http';
import { agentBy } from './socks.ts';

/** Round-trip times of small requests, one after the other on one connection, in milliseconds. */
export interface SmallRequests {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

const once = (url: string, agent: http.Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.on('end', resolve);
      response.on('error', reject);
      response.resume();
    });
    request.on('error', reject);
  });

export const smallRequests = async (url: string, count: number, socks?: string): Promise<SmallRequests> => {
  const agent = agentBy(socks, { keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await once(url, agent);
      times.push(performance.now() - start);
    }
  } finally {
    agent.destroy();
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { count, p50: at(0.5), p99: at(0.99) };
};
