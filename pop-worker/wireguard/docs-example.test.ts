import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needsRoot } from '#host/testing/namespace.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The first blocks of commands below a heading of docs/wireguard.md. */
const commandsOf = (heading: string): readonly string[] => {
  const text = readFileSync(path.join(ROOT, 'docs/wireguard.md'), 'utf8');
  const below = text.slice(text.indexOf(`\n## ${heading}\n`));
  return [...below.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands = '']) => commands);
};

/** With names of this process alone, for it runs beside whatever there is. */
const renamed = (commands: string): string =>
  commands.replaceAll(/\b(wg)?(left|right)\b(?!\.key)/g, (_, wg = '', side) => `${wg}${side[0]}${process.pid}`);

const until = async (condition: () => boolean): Promise<void> => {
  for (const end = performance.now() + 10_000; !condition(); await pause(20))
    if (performance.now() > end) throw new Error('It did not end.');
};

test('the example of docs/wireguard.md works as it stands', { skip: needsRoot }, async (t) => {
  let wg: string;
  try {
    ({ wg } = (await wireguardTools()).programs);
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    return t.skip(error.message);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-docs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [begin = '', end = ''] = commandsOf('An example');
  assert.match(begin, /cloudbridge wireguard run/);
  // What is left when something fails above.
  t.after(() => run('sh', ['-c', `(${renamed(end)}) 2>/dev/null || true`]));
  const file = path.join(folder, 'example.sh');
  writeFileSync(file, renamed(begin));
  const { stdout } = await run('sh', ['-e', file], {
    ...{ cwd: folder, timeout: 60_000 },
    env: { ...process.env, PATH: `${ROOT}:${path.dirname(wg)}:${process.env['PATH']}` },
  });
  // The first may go before the other side listens, and its handshake is repeated five seconds later.
  assert.match(stdout, /10 packets transmitted, ([4-9]|10) received/);
  assert.match(stdout, /latest handshake: /);
  await run('sh', ['-e', '-c', renamed(end)]);
  await until(() => !existsSync(`/var/run/wireguard/wgl${process.pid}.sock`));
});
