import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentBy } from './socks.ts';

/** One connection on which something goes to and fro all the time. */
export interface Flow {
  /** Messages that came back, each as it was sent. */
  readonly messages: number;
  /** The longest time in which none came back, in ms. */
  readonly longestGapMs: number;
  /** When the last one did, in ms since 1970. */
  readonly lastMs: number;
}

/** For the last messages to come back, and for the first. */
const PATIENCE_MS = 5000;
const MESSAGE_BYTES = 16;

const messageOf = (sequence: number): string => `${sequence}\n`.padStart(MESSAGE_BYTES, ' ');

/**
 * Sends a small message every few milliseconds and gets it back, all by one request on one connection: what breaks that
 * breaks it for good. Throws when it breaks off, or when something else comes back than was sent.
 *
 * @param url that echoes @param underWay is called when the first message is back
 */
export const echoFlow = (
  url: string,
  how: { readonly everyMs: number; readonly forMs: number },
  underWay: () => void,
  socks?: string,
): Promise<Flow> =>
  new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST', agent: agentBy(socks), timeout: PATIENCE_MS });
    let [sent, received, longestGapMs, at, lastMs] = ['', '', 0, performance.now(), 0];
    const take = (text: string): void => {
      if (received === '') underWay();
      else longestGapMs = Math.max(longestGapMs, performance.now() - at);
      [at, lastMs] = [performance.now(), Date.now()];
      received += text;
    };
    const end = (): void => {
      const messages = received.length / MESSAGE_BYTES;
      if (received === sent) resolve({ messages, longestGapMs: Math.round(longestGapMs), lastMs });
      else reject(new Error(`${url} gave back ${messages} messages, not the ${sent.length / MESSAGE_BYTES} sent`));
    };
    const send = async (): Promise<void> => {
      const until = performance.now() + how.forMs;
      for (let sequence = 1; performance.now() < until && !request.destroyed; sequence++) {
        const message = messageOf(sequence);
        sent += message;
        request.write(message);
        await sleep(how.everyMs);
      }
      request.end();
    };
    request.on('timeout', () => request.destroy(new Error(`${url}: nothing comes back for ${PATIENCE_MS} ms`)));
    request.on('error', reject);
    request.on('response', (response) => {
      response.setEncoding('latin1').on('data', take).on('end', end).on('error', reject);
    });
    void send();
  });
