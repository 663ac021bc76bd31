import { createHash } from 'node:crypto';
import http from 'node:http';
import { agentBy } from './socks.ts';

/** What one download or upload of the lab's content came to. */
export type Transfer = { readonly bytes: number; readonly seconds: number };

const since = (start: number): number => (performance.now() - start) / 1000;

const request = (
  url: string,
  method: string,
  socks: string | undefined,
  body?: Iterable<Buffer>,
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, agent: agentBy(socks) }, resolve);
    outgoing.on('error', reject);
    if (body !== undefined) for (const chunk of body) outgoing.write(chunk);
    outgoing.end();
  });

/** Gets `url` and checks length and `Repr-Digest` (RFC 9530) of what came. Throws if either differs. */
export const download = async (url: string, socks?: string): Promise<Transfer> => {
  const start = performance.now();
  const response = await request(url, 'GET', socks);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  const seconds = since(start);
  const digest = `sha-256=:${hash.digest('base64')}:`;
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  if (bytes !== Number(response.headers['content-length'])) throw new Error(`${url} sent ${bytes} bytes`);
  if (digest !== response.headers['repr-digest']) throw new Error(`${url} arrived with other bytes than were sent`);
  return { bytes, seconds };
};

/** Posts `body` to `url` and checks that the count and SHA-256 in the answer are those of what was sent. */
export const upload = async (url: string, body: readonly Buffer[], socks?: string): Promise<Transfer> => {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const start = performance.now();
  const response = await request(url, 'POST', socks, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  const seconds = since(start);
  const answer = JSON.parse(text) as { bytes: number; sha256: string };
  if (answer.bytes !== bytes || answer.sha256 !== hash.digest('hex')) {
    throw new Error(`${url} received other bytes than were sent: ${text}`);
  }
  return { bytes, seconds };
};
