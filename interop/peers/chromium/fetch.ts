// Has Chromium fetch files by HTTP/3: a page asks for them and shows them in base64, and here they are written down.
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    chromium: { type: 'string', default: 'chromium' },
    host: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    cert: { type: 'string', default: '' },
    page: { type: 'string', default: '' },
    download: { type: 'string', default: '' },
  },
});

/** Of headless time, which stands still while answers are waited for. */
const BUDGET_MS = '20000';

const { publicKey } = new X509Certificate(readFileSync(values.cert));
const pin = createHash('sha256')
  .update(publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64');
const profile = mkdtempSync(path.join(tmpdir(), 'cloudbridge-chromium-'));
const origin = `${values.name}:${values.port}`;
const child = spawn(
  values.chromium,
  [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
    ...['--disable-background-networking', `--user-data-dir=${profile}`],
    ...['--enable-quic', `--origin-to-force-quic-on=${origin}`],
    ...[`--host-resolver-rules=MAP ${values.name} ${values.host}`, `--ignore-certificate-errors-spki-list=${pin}`],
    ...[`--virtual-time-budget=${BUDGET_MS}`, '--dump-dom', `https://${origin}${values.page}`],
  ],
  { stdio: ['ignore', 'pipe', 'ignore'] },
);
const ended = new Promise((resolve) => child.once('close', resolve));
const document = await text(child.stdout);
await ended;
rmSync(profile, { recursive: true, force: true });

const files = new Map([...document.matchAll(/<i id="([^"]+)">([^<]*)<\/i>/g)].map(([, name, body]) => [name, body]));
for (const requested of positionals) {
  const body = files.get(requested);
  if (body === undefined) {
    process.stderr.write(`Chromium did not get ${requested}.\n`);
    process.exit(1);
  }
  writeFileSync(path.join(values.download, path.basename(requested)), Buffer.from(body, 'base64'));
}
