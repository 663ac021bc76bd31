import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '#scripts/setup/paths.mjs';
import { generateRevisionKey } from '#services/config/revision-key.ts';
import { ensureInstallationKey } from '#services/store/installation-key.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import type { Service } from './main.ts';

let folder: string;
let server: TestServer;
const blocker = createServer();
let taken = 0;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-start-'));
  server = await startNatsServer();
  await ensureInstallationKey(at('installation.key'));
  await ensureInstallationKey(at('other.key'));
  writeFileSync(at('revision.json'), JSON.stringify(await generateRevisionKey()), { mode: 0o600 });
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  taken = (blocker.address() as { port: number }).port;
});
after(async () => {
  blocker.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => path.join(folder, name);
let count = 0;

interface Change {
  readonly key?: string;
  readonly revisionKey?: string;
  readonly nats?: string;
  readonly listen?: string;
  readonly admin?: string;
}

const FREE = '127.0.0.1:0';

/** Of this process. */
const inUse = (setting: string): RegExp => {
  const end = `: end it or change ${setting}`.replaceAll(/[[\]]/g, '\\$&');
  return new RegExp(`^127\\.0\\.0\\.1:${taken} is in use by process ${process.pid} \\(.+\\)${end}$`);
};

const configureEdge = ({ listen = FREE }: Change): string => {
  const file = at(`edge${count++}.toml`);
  const text = `listen = "${listen}"
[nats]
url = "ws://127.0.0.1:1"
[identity]
issuer = "http://127.0.0.1:1"
project = "1"
`;
  writeFileSync(file, text);
  return file;
};

const configure = (change: Change): string => {
  const { key = 'installation.key', revisionKey = 'revision.json', nats = server.url } = change;
  const { listen = FREE, admin = FREE } = change;
  const file = at(`services${count++}.toml`);
  const text = `installation_key = "${key}"
[nats]
servers = ["${nats}"]
[identity]
issuer = "http://127.0.0.1:1"
[auth]
listen = "${listen}"
[token]
listen = "${listen}"
issuer = "http://127.0.0.1:2"
[config]
listen = "${listen}"
admin = "${admin}"
revision_key = "${revisionKey}"
`;
  writeFileSync(file, text);
  return file;
};

/** What it says at last, and with what it ends. */
const start = (service: Service, change: Change): Promise<{ readonly code: number | null; readonly last: string }> =>
  new Promise((resolve) => {
    const file = service === 'edge' ? configureEdge(change) : configure(change);
    const command = ['serve', service, '--config', file];
    const child = spawn(process.execPath, [path.join(root, 'cli/main.ts'), ...command], { cwd: root });
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      if (text.includes('"serving"')) child.kill();
    });
    child.once('close', (code) => resolve({ code, last: text.trim().split('\n').at(-1) ?? '' }));
  });

test('whatever keeps a service from starting is said in one sentence, and it ends', async () => {
  const free = await start('auth', {});
  assert.match(free.last, /"message":"stopping"|"message":"serving"/, 'as it is, it starts');
  chmodSync(at('other.key'), 0o644);
  writeFileSync(at('empty.key'), '', { mode: 0o600 });
  writeFileSync(at('garbage.json'), '{"kid":"secret"', { mode: 0o600 });
  const cases: [Service, Change, RegExp][] = [
    ['auth', { listen: `127.0.0.1:${taken}` }, inUse('[auth] listen')],
    ['config', { admin: `127.0.0.1:${taken}` }, inUse('[config] admin')],
    ['auth', { nats: 'nats://127.0.0.1:1' }, /NATS at nats:\/\/127\.0\.0\.1:1 cannot be reached \(.*\): start it or/],
    ['auth', { key: 'other.key' }, /other\.key may be read or changed by others \(mode 644\): chmod 600 /],
    ['auth', { key: 'empty.key' }, /empty\.key is damaged, .*: put it back from a backup$/],
    ['config', { revisionKey: 'garbage.json' }, /garbage\.json holds no such key: put it back from a backup$/],
  ];
  for (const [service, change, sentence] of cases) await refused(service, change, sentence);
  chmodSync(at('other.key'), 0o600);
  await refused('token', { key: 'other.key' }, /other\.key is not the key that the secrets in NATS are sealed under/);
});

test('nor does the API at the edge start where it cannot listen', async () => {
  await refused('edge', { listen: `127.0.0.1:${taken}` }, inUse('listen'));
  const foreign = /^203\.0\.113\.250:443: this machine does not have that address: .* listen$/;
  await refused('edge', { listen: '203.0.113.250:443' }, foreign);
});

const refused = async (service: Service, change: Change, sentence: RegExp): Promise<void> => {
  const { code, last } = await start(service, change);
  const { level, message, error } = JSON.parse(last) as { level: string; message: string; error?: unknown };
  assert.deepEqual([code, level, error], [1, 'error', undefined], last);
  assert.match(message, sentence);
  assert.doesNotMatch(message, /\n|secret"/);
};
