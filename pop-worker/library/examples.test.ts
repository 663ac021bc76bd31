import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '#host/tls/testing/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'cloudbridge-library-'));
after(() => rmSync(directory, { recursive: true }));

const write = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

const EXPECTED = { 'quic-echo': 'hello over QUIC\n', 'http3-hello': '200 hello world over HTTP/3\n' };

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`the example ${name} does what it says`, async () => {
    const authority = createAuthority();
    const { certificateChain, privateKey } = authority.issue('localhost');
    const files = [
      write('cert.pem', certificateChain as string),
      write('key.pem', privateKey as string),
      write('ca.pem', authority.pem),
    ];
    const program = fileURLToPath(new URL(`examples/${name}.ts`, import.meta.url));
    const logs = mkdtempSync(join(directory, 'qlog-'));
    const env = { ...process.env, QLOGDIR: logs };
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...files], { timeout: 20_000, env });
    assert.equal(stdout, expected);
    // QLOGDIR: both ends of the one connection, under one name.
    const [client = '', server] = readdirSync(logs).sort();
    assert.match(client, /_client\.sqlog$/);
    assert.equal(server, client.replace('client', 'server'));
    const records = readFileSync(join(logs, client), 'utf8').split('\u001e').filter(Boolean);
    assert.ok(records.some((record) => JSON.parse(record).name === 'quic:packet_received'));
  });
}
