import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { eventFault, type Record, readSequence, SCHEMA } from '#protocol/qlog/testing/schema.ts';
import { deviceOf, INTERNET4, needsNamespaces, World } from './testing/world.ts';

/** A file that was ended, all of it as the drafts say. */
const validEvents = (file: string): Record[] => {
  const [head, ...events] = readSequence(readFileSync(file, 'utf8'));
  assert.equal(SCHEMA.check('QlogFileSeq', head), undefined);
  for (const event of events as Record[]) assert.equal(eventFault(event), undefined, JSON.stringify(event));
  return events as Record[];
};

test('a worker logs connections while it is told to, and a device what QLOGDIR says', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  const logs = path.join(world.folder, 'qlog');
  const own = path.join(world.folder, 'qlog-of-device');
  for (const folder of [logs, own]) mkdirSync(folder);
  chmodSync(world.folder, 0o755);
  await world.network();
  await world.configure({ static: '[qlog]\ndirectory = "qlog"\n' });
  await world.startWorker();
  const metric = (name: string) => world.metric(`cloudbridge_qlog_${name}`);
  world.environment = { QLOGDIR: own };
  const device = await world.connectByCommand(deviceOf('red', 2), '--socks', '1080');
  await world.until('the proxy listens', () => device.lines.some((line) => line.includes('"type":"listening"')));
  const curl = (bytes: number): Promise<string> =>
    world.exec(
      device.namespace,
      ...['curl', '-sS', '--retry', '20', '--retry-all-errors', '--retry-delay', '1'],
      ...['--socks5-hostname', '127.0.0.1:1080', '-o', '/dev/null', '-w', '%{http_code}'],
      `http://${INTERNET4}:8000/1/${bytes}`,
    );
  assert.equal(await curl(1000), '200');

  await t.test('nothing before it is told to', async () => {
    assert.equal(await world.command('qlog'), 'Connections are not logged.\n');
    assert.deepEqual(readdirSync(logs), []);
    assert.deepEqual([await metric('connections_count'), await metric('written_bytes_total')], [0, 0]);
  });

  await t.test('then what is there and what comes, until it is over', async () => {
    assert.equal(
      await world.command('qlog', 'on'),
      `Connections are logged to ${logs}, until \`cloudbridge worker qlog off\`.\n`,
    );
    assert.equal(await curl(300_000), '200');
    await world.until('it is counted', async () => (await metric('connections_count')) === 1);
    assert.equal(await world.command('qlog', 'off'), 'Connections are not logged.\n');
    await world.until('it is written', async () => (await metric('written_bytes_total')) > 0);
    const [file, ...others] = readdirSync(logs);
    assert.deepEqual(others, []);
    assert.match(String(file), /^[0-9a-f]+_server\.sqlog$/);
    const where = path.join(logs, String(file));
    assert.equal(statSync(where).mode & 0o777, 0o600);
    await world.until('all is written', async () => statSync(where).size === (await metric('written_bytes_total')));
    const events = validEvents(where);
    const names = new Set(events.map(({ name }) => name));
    for (const name of ['quic:packet_sent', 'quic:packet_received', 'http3:frame_parsed', 'http3:frame_created']) {
      assert.ok(names.has(name), name);
    }
    const written = await metric('records_total{outcome="written"}');
    assert.equal(written, events.length + 1);
    const text = readFileSync(where, 'utf8');
    const token = readFileSync(path.join(world.folder, 'red2.token'), 'utf8').trim();
    assert.ok(!text.includes(token.slice(-20)), 'no token in it');
    assert.match(text, /\{"name":"(proxy-)?authorization"\}/);
  });

  await t.test('an end by itself, and what cannot be', async () => {
    const state = JSON.parse(await world.command('qlog', 'on', '--for', '1', '--json'));
    assert.ok(Date.parse(state.until) > Date.now() - 2000);
    await world.until('it is over', async () => JSON.parse(await world.command('qlog', '--json')).on === false);
    rmSync(logs, { recursive: true });
    const refused = (...words: string[]) => world.command('qlog', ...words).then(String, ({ stderr }) => stderr);
    assert.match(await refused('on'), /The worker refuses: no connection can be logged to .*ENOENT/i);
    assert.match(await refused('maybe'), /STATE is on or off, not `maybe`/);
    assert.match(await refused('off', '--for', '5'), /--for goes with `on`/);
    assert.equal(await curl(1000), '200', 'it serves all the same');
  });

  await t.test('the device has a log of its own, complete when it ends', async () => {
    device.stop();
    assert.match(await device.ended, /^0/);
    const [file] = readdirSync(own);
    assert.match(String(file), /^[0-9a-f]{16}_client\.sqlog$/);
    const events = validEvents(path.join(own, String(file)));
    assert.equal(events[0]?.name, 'quic:connection_started');
    assert.ok(events.some(({ name, data }) => name === 'quic:connection_closed' && data['initiator'] === 'local'));
  });
});
