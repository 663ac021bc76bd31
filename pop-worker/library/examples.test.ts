import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { serve } from './examples/quic-echo.ts';
import { connectQuic, listenQuic, QuicStreamError } from './index.ts';

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
    const [client = '', server = ''] = readdirSync(logs).sort();
    assert.match(client, /_client\.sqlog$/);
    assert.equal(server, client.replace('client', 'server'));
    for (const file of [client, server]) {
      const records = readFileSync(join(logs, file), 'utf8').split('\u001e').filter(Boolean);
      const names = new Set(records.map((record) => JSON.parse(record).name));
      assert.ok(names.has('quic:packet_received'));
      assert.equal(names.has('http3:frame_parsed'), name === 'http3-hello');
    }
  });
}

for (const how of ['resets', 'no longer reads', 'leaves'] as const) {
  test(`the echo server goes on when a client ${how}`, async () => {
    const authority = createAuthority();
    const server = listenQuic({
      ...{ address: '127.0.0.1', port: 0, alpn: ['echo'], identities: [authority.issue('localhost')] },
    });
    const serving = serve(server.sessions);
    const where = { host: server.address, port: server.port, serverName: 'localhost', alpn: ['echo'] };
    const connect = () => connectQuic({ ...where, trustAnchors: authority.pem });
    const first = await connect();
    const given = await first.createBidirectionalStream();
    const writer = given.writable.getWriter();
    await writer.write(Buffer.from('half of it'));
    const reader = given.readable.getReader();
    // The server has the stream, and pipes.
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'half of it');
    if (how === 'resets') await writer.abort(new QuicStreamError('reset', 7));
    else if (how === 'no longer reads') await reader.cancel(new QuicStreamError('stopped', 7));
    else first.close({ closeCode: 7 });
    if (how === 'resets') await assert.rejects(reader.read(), QuicStreamError);
    for (const session of how === 'leaves' ? [await connect()] : [first, await connect()]) {
      const { readable, writable } = await session.createBidirectionalStream();
      const again = writable.getWriter();
      await again.write(Buffer.from('and again'));
      await again.close();
      assert.equal(await new Response(readable).text(), 'and again');
      session.close();
    }
    await server.close();
    await serving;
  });
}
