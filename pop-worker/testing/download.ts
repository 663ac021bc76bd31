/** Fetches URLs at once and prints digest, bytes and seconds of each as JSON. usage: download.ts URL… */
import { createHash } from 'node:crypto';
import { get } from 'node:http';

const download = (url: string): Promise<{ digest: string; bytes: number; seconds: number }> =>
  new Promise((resolve, reject) => {
    const start = performance.now();
    const request = get(url, { timeout: 20_000 }, (response) => {
      const hash = createHash('sha256');
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        hash.update(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({ digest: hash.digest('hex'), bytes, seconds: (performance.now() - start) / 1000 });
      });
    });
    request.once('timeout', () => request.destroy(new Error(`${url} timed out`)));
    request.once('error', reject);
  });

console.log(JSON.stringify(await Promise.all(process.argv.slice(2).map(download))));
