import { createHash } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentBy } from './socks.ts';
import type { Transfer } from './transfer.ts';

/** A download that may be broken off: how often it was, and the longest time without a byte. */
export interface ResumedTransfer extends Transfer {
  readonly resumed: number;
  readonly longestGapSeconds: number;
}

/** A connection on which nothing comes for so long is given up for a new one. */
const IDLE_MS = 1500;
const RETRY_MS = 50;
const GIVE_UP_MS = 30_000;

interface Progress {
  from: number;
  total: number;
  digest: string | undefined;
  lastByte: number;
  longestGap: number;
}

/** One request for the rest; ends with the content, or throws when it is broken off. */
const fetchRest = (
  url: string,
  socks: string | undefined,
  progress: Progress,
  take: (chunk: Buffer) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { range: `bytes=${progress.from}-` };
    const request = http.get(url, { agent: agentBy(socks), timeout: IDLE_MS, headers }, (response) => {
      if (response.statusCode !== 206) {
        request.destroy(new Error(`${url} answered ${response.statusCode}`));
        return;
      }
      progress.total = Number(/\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1]);
      progress.digest = String(response.headers['repr-digest']);
      response.on('data', take);
      response.on('end', resolve);
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('nothing comes')));
    request.on('error', reject);
  });

/** Downloads `url` by as many requests as it takes and checks the digest of the whole (RFC 9110 §14, RFC 9530). */
export const downloadResumed = async (url: string, socks?: string): Promise<ResumedTransfer> => {
  const start = performance.now();
  const progress: Progress = {
    from: 0,
    total: Number.POSITIVE_INFINITY,
    digest: undefined,
    lastByte: start,
    longestGap: 0,
  };
  const hash = createHash('sha256');
  const take = (chunk: Buffer): void => {
    const now = performance.now();
    progress.longestGap = Math.max(progress.longestGap, now - progress.lastByte);
    progress.lastByte = now;
    progress.from += chunk.length;
    hash.update(chunk);
  };
  let resumed = -1;
  while (progress.from < progress.total) {
    resumed++;
    await fetchRest(url, socks, progress, take).catch(() => sleep(RETRY_MS));
    if (performance.now() - progress.lastByte > GIVE_UP_MS)
      throw new Error(`${url}: nothing came for ${GIVE_UP_MS} ms`);
  }
  if (progress.digest !== `sha-256=:${hash.digest('base64')}:`)
    throw new Error(`${url} arrived with other bytes than were sent`);
  const seconds = (performance.now() - start) / 1000;
  return { bytes: progress.from, seconds, resumed, longestGapSeconds: progress.longestGap / 1000 };
};
