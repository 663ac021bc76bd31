import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readResponse } from '#protocol/dns/testing/message.ts';
import { askProgram } from '../admin/client.ts';
import type { DnsStatus } from './responder-of-file.ts';
import { askByUdp, queryFor } from './testing/ask.ts';

const MAIN = fileURLToPath(new URL('testing/run.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<number | null>;
}

const run = (t: TestContext, config: string): Running => {
  const child = spawn(process.execPath, [MAIN, config], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  child.stderr.on('data', (bytes: Buffer) => lines.push(...bytes.toString().split('\n').filter(Boolean)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, lines, ended };
};

const folderOf = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-dns-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const statusOf = async (socket: string): Promise<DnsStatus | undefined> => {
  try {
    return (await askProgram('dns', socket, 'status')) as DnsStatus;
  } catch {
    return undefined;
  }
};

/** Answers what a PoP's data plane would: QUIC Version Negotiation (RFC 9000 §17.2.1). */
const popAt = async (t: TestContext, address: string, port = 0): Promise<{ port: number; stop: () => void }> => {
  const socket = createSocket('udp4');
  socket.on('message', (probe, { port: from, address: of }) => {
    const answer = Buffer.concat([Uint8Array.of(0x80, 0, 0, 0, 0), probe.subarray(14, 23), probe.subarray(5, 14)]);
    socket.send(Buffer.concat([answer, Uint8Array.of(0, 0, 0, 1)]), from, of);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  let isOpen = true;
  const stop = (): void => {
    if (isOpen) socket.close();
    isOpen = false;
  };
  t.after(stop);
  return { port: socket.address().port, stop };
};

test('a program by itself: the nearest PoP that is well, its status, a change of the file, an end', async (t) => {
  const folder = folderOf(t);
  const file = (name: string): string => path.join(folder, name);
  const near = await popAt(t, '127.0.1.1');
  await popAt(t, '127.0.1.2', near.port);
  writeFileSync(file('secret'), `${'ab'.repeat(16)}\n`, { mode: 0o600 });
  const toml = `listen = ["127.0.0.1:0"]
socket = "${file('dns.sock')}"
cookie_secret = "secret"
pop = "moscow"
[health]
port = ${near.port}
interval_ms = 100
fails = 2
[pops.frankfurt]
addresses = ["127.0.1.2"]
[pops.moscow]
addresses = ["127.0.1.1"]
[[zone]]
domain = "edge.example"
name_servers = ["ns1.edge.example"]
services = ["www.edge.example"]
records = ["ns1.edge.example A 192.0.2.53"]
`;
  writeFileSync(file('dns.toml'), toml);
  const { child, lines, ended } = run(t, file('dns.toml'));
  await until('its socket', async () => (await statusOf(file('dns.sock'))) !== undefined);
  assert.equal(statSync(file('dns.sock')).mode & 0o777, 0o600);
  const status = (await statusOf(file('dns.sock'))) as DnsStatus;
  const port = Number(status.listen[0]?.split(':').at(-1));
  const ask = async (): Promise<string> => {
    const response = await askByUdp(queryFor('www.edge.example'), port);
    return response === undefined ? '' : (readResponse(response).answer[0] ?? '');
  };
  assert.equal(await ask(), 'www.edge.example 1 30 127.0.1.1', 'its own PoP is the nearest, whatever the order');
  near.stop();
  await until('the other one', async () => (await ask()) === 'www.edge.example 1 30 127.0.1.2');
  assert.deepEqual(
    (await statusOf(file('dns.sock')))?.pops.map(({ id, isWell }) => [id, isWell]),
    [
      ['frankfurt', true],
      ['moscow', false],
    ],
  );
  await popAt(t, '127.0.1.1', near.port);
  await until('the nearest again', async () => (await ask()) === 'www.edge.example 1 30 127.0.1.1');
  writeFileSync(file('dns.toml'), toml.replace('[pops.moscow]\n', '[pops.moscow]\ndown = true\n'));
  child.kill('SIGHUP');
  await until('it is down', async () => (await ask()) === 'www.edge.example 1 30 127.0.1.2');
  writeFileSync(file('dns.toml'), toml.replace('name_servers = ["ns1.edge.example"]', ''));
  child.kill('SIGHUP');
  await until('it is refused', () => lines.some((line) => line.includes('what was in force stays')));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.ok(!lines.some((line) => line.includes('abab')));
});

test('what keeps it from starting is one line each', async (t) => {
  const folder = folderOf(t);
  const config = path.join(folder, 'x.toml');
  const reasonsOf = async (text: string): Promise<readonly string[]> => {
    writeFileSync(config, text);
    const { lines, ended } = run(t, config);
    assert.equal(await ended, 1);
    return lines
      .filter((line) => line.includes('not started'))
      .map((line) => (JSON.parse(line) as { reason: string }).reason);
  };
  const good = `pop = "b"
listen = ["127.0.0.1:0"]
[pops.a]
addresses = ["192.0.2.1"]
[[zone]]
domain = "edge.example"
name_servers = ["ns.edge.example"]
records = ["ns.edge.example AAAA 192.0.2.53"]
services = ["www.edge.test"]
[[place]]
prefixes = ["10.0.0.0/8"]
pops = ["c"]
`;
  const reasons = await reasonsOf(good);
  for (const [i, pattern] of [
    /pop: there is no \[pops\.b\]$/,
    /place\.0\.pops: there is no \[pops\.c\]$/,
    /zone\.0\.records\[0\]: must be NAME A IPV4-ADDRESS or NAME AAAA IPV6-ADDRESS$/,
    /zone\.0\.services\[0\]: is not in edge\.example$/,
  ].entries()) {
    assert.match(reasons[i] ?? '', pattern);
  }
  // What was begun before it showed must not keep it alive.
  const deaf = `pop = "a"
listen = ["203.0.113.77:5353"]
[health]
interval_ms = 100
[pops.a]
addresses = ["127.0.0.1"]
[[zone]]
domain = "edge.example"
name_servers = ["ns.edge.test"]
services = ["www.edge.example"]
`;
  assert.match((await reasonsOf(deaf))[0] ?? '', /EADDRNOTAVAIL/);
  const [taken] = await reasonsOf(
    good
      .replace('pop = "b"\n', '')
      .replace('"c"', '"a"')
      .replace('AAAA', 'A')
      .replace('www.edge.test', 'www.edge.example')
      .replace('127.0.0.1:0', '203.0.113.77:5353'),
  );
  assert.match(taken ?? '', /EADDRNOTAVAIL.*change listen \(203\.0\.113\.77:5353\), or end who has it$/);
});
