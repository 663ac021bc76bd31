import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { encodeUdpHeader, parseUdp } from './socks5-messages.ts';
import { createLocalWorld } from './testing/local-world.ts';
import { until } from './testing/world.ts';

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const portOf = (service: string): number => Number(/:(\d+)$/.exec(service)?.[1]);

/** An HTTP server that answers a body with its digest and GET with bytes. */
const origin = async (t: Parameters<typeof createLocalWorld>[0]): Promise<number> => {
  const server = createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk) => hash.update(chunk));
    request.on('end', () => {
      if (request.method === 'POST') response.end(hash.digest('hex'));
      else response.end(Buffer.alloc(1_000_000, request.url));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
};

test('programs without privileges reach TCP by SOCKS5, HTTP proxy and forwarded port', async (t) => {
  const world = await createLocalWorld(t);
  const port = await origin(t);
  const forward = `0=127.0.0.1:${port}`;
  const uid = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  const client = world.connect(['--socks', '0', '--http', '0', '--forward', forward], uid);
  await client.line('connected');
  const [socks = 0, http = 0, forwarded = 0] = [1, 2, 3].map((nth) =>
    portOf(String(client.lines.filter(({ type }) => type === 'listening')[nth - 1]?.['service'])),
  );
  const ways: readonly (readonly string[])[] = [
    ['--socks5-hostname', `127.0.0.1:${socks}`, `http://127.0.0.1:${port}/a`],
    ['--proxy', `http://127.0.0.1:${http}`, '--proxytunnel', `http://127.0.0.1:${port}/a`],
    ['--proxy', `http://127.0.0.1:${http}`, `http://127.0.0.1:${port}/a`],
    [`http://127.0.0.1:${forwarded}/a`],
  ];
  for (const way of ways) {
    const bytes = await world.curl(way);
    assert.equal(digest(bytes), digest(Buffer.alloc(1_000_000, '/a')), way.join(' '));
  }
  const upload = Buffer.alloc(3_000_000, 'up');
  const file = world.write('upload', upload);
  for (const way of ways) {
    assert.equal((await world.curl(['--data-binary', `@${file}`, ...way])).toString(), digest(upload), way.join(' '));
  }
  const refused = await world.curl([
    '--proxy',
    `http://127.0.0.1:${http}`,
    '-w',
    '%{http_code}',
    '-o',
    path.join(world.folder, 'x'),
    'http://127.0.0.1:1/',
  ]);
  assert.equal(refused.toString(), '502');
  assert.equal(await client.end(), 0);
});

test('UDP ASSOCIATE: datagrams to several targets and back, until the control connection ends', async (t) => {
  const world = await createLocalWorld(t);
  const echo = createSocket('udp4');
  await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
  t.after(() => echo.close());
  echo.on('message', (message, from) => echo.send(`echo ${message}`, from.port, from.address));
  const client = world.connect(['--socks', '0']);
  await client.line('connected');
  const control = connect(portOf(String((await client.line('listening'))['service'])), '127.0.0.1');
  t.after(() => control.destroy());
  const replies: Buffer[] = [];
  control.on('data', (chunk) => replies.push(chunk));
  control.write(Uint8Array.of(5, 1, 0));
  control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
  await until('the reply', () => Buffer.concat(replies).length >= 12);
  const reply = Buffer.concat(replies);
  assert.deepEqual([...reply.subarray(0, 6)], [5, 0, 5, 0, 0, 1]);
  const relay = reply.readUInt16BE(10);
  const program = createSocket('udp4');
  t.after(() => program.close());
  const got: string[] = [];
  program.on('message', (message) => {
    const parsed = parseUdp(message);
    assert.equal(parsed?.target.port, echo.address().port);
    got.push(message.subarray(parsed?.payloadAt).toString());
  });
  const header = encodeUdpHeader({ host: '127.0.0.1', port: echo.address().port });
  for (const text of ['one', 'two']) program.send([header, Buffer.from(text)], relay, '127.0.0.1');
  program.send(Buffer.from('no header'), relay, '127.0.0.1');
  await until('both echoes', () => got.length === 2);
  assert.deepEqual(got.sort(), ['echo one', 'echo two']);
  assert.equal(await client.end(), 0);
});

test('what is wrong is said in one sentence and ends the command', async (t) => {
  const world = await createLocalWorld(t);
  const ends = async (args: readonly string[], pattern: RegExp, options = {}): Promise<void> => {
    const client = world.connect(args, options);
    await until(`the end of ${args.join(' ')}`, () => client.exitCode !== undefined);
    assert.match(client.errors, pattern);
    assert.equal(client.errors.trim().split('\n').length, 1);
    assert.equal(client.exitCode, 1);
  };
  const expired = world.write('expired', await world.issuer.token(2, -100), 0o600);
  await ends(['--socks', '0', '--token-file', expired], /token expired 1[0-9]{2} s ago: get a new one/);
  await ends(
    ['--socks', '0', '--token-file', '/nonexistent'],
    /token file \/nonexistent cannot be read, it is not there/,
  );
  const open = world.write('open', await world.issuer.token(2));
  await ends(['--socks', '0', '--token-file', open], /token file \S+ may be read .* \(mode 644\): chmod 600 \S+open/);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  await ends(['--socks', '0', '--forward', `${port}=a:1`], /is in use: give another port with --forward/);
  const other = world.write('other.pem', world.otherAuthority.pem);
  await ends(['--socks', '0', '--ca', other], /certificate of 127\.0\.0\.1:\d+ for 127\.0\.0\.1 is refused.*--ca/);
  if (process.getuid?.() === 0) await ends(['--tun', 'cbx'], /may not make a TUN.*--socks/, { uid: 65_534 });
});
