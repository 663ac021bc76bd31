import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { afterEach, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MessageType } from '#protocol/bgp/wire/header.ts';
import { closePeers, KEEPALIVE, message, openOf, RawPeer, REFRESH, until, updateOf } from './testing/raw-peer.ts';
import { freePort, RunningSpeaker } from './testing/running.ts';

afterEach(closePeers);

const EVIL = { name: 'evil', address: '127.0.0.2', as: 64_500 };
const GOOD = { name: 'good', address: '127.0.0.3', as: 64_501 };

const ORIGIN = '400101 00';
const AS_PATH = '400206 0201 0000fbf4';
const NEXT_HOP = '400304 c0000201';
const MANDATORY = `${ORIGIN}${AS_PATH}${NEXT_HOP}`;
const NLRI = '18 cb0071';
const PREFIX = '18cb0071';

interface Scene {
  readonly speaker: RunningSpeaker;
  readonly evil: RawPeer;
  readonly good: RawPeer;
}

/** A speaker with a session of each of them. */
const withSessions = async (t: TestContext, settings: { extendedMessages?: boolean } = {}): Promise<Scene> => {
  const speaker = await RunningSpeaker.start(t, [
    { ...EVIL, extended_messages: settings.extendedMessages === true },
    GOOD,
  ]);
  const good = await RawPeer.established(speaker.port, GOOD.address, GOOD);
  const evil = await RawPeer.established(speaker.port, EVIL.address, { ...EVIL, ...settings });
  return { speaker, evil, good };
};

/** The other session is as it was, and its neighbour is answered. */
const lives = async ({ speaker, good }: Pick<Scene, 'good' | 'speaker'>): Promise<void> => {
  const taken = async (): Promise<number> => (await speaker.status('good')).received['keepalive'] ?? 0;
  const before = await taken();
  good.say(KEEPALIVE);
  await until('the other neighbour is heard', async () => (await taken()) > before);
  const { state, sessions } = await speaker.status('good');
  assert.deepEqual([state, sessions, good.isClosed], ['established', 1, false]);
};

const faults = ({ speaker }: Scene, outcome: string): Promise<number> =>
  speaker.metric(`cloudbridge_bgp_faulty_updates_total{outcome="${outcome}"}`);

test('faulty UPDATEs over TCP cost what RFC 7606 says, are counted, and the other session stays', async (t) => {
  const scene = await withSessions(t);
  const { speaker, evil, good } = scene;
  const tell = async (what: string, attributes: string, isTold: (text: string) => boolean): Promise<string> => {
    const seen = good.updates.length;
    evil.say(updateOf(attributes, NLRI));
    await until(what, () => good.updates.slice(seen).some(isTold));
    return good.updates.at(-1) as string;
  };
  const isTold = (text: string): boolean => text.endsWith(PREFIX) && !text.startsWith('0004');
  const isWithdrawn = (text: string): boolean => text.startsWith(`0004${PREFIX}`);
  await tell('a good one is told', MANDATORY, isTold);
  const withdrawing = [
    ['ORIGIN 9', `400101 09${AS_PATH}${NEXT_HOP}`],
    ['AS_PATH overrun', `${ORIGIN}400206 0202 0000fbf4${NEXT_HOP}`],
    ['NEXT_HOP of three bytes', `${ORIGIN}${AS_PATH}400303 c00002`],
    ['COMMUNITIES of three bytes', `${MANDATORY}c00803 fbf400`],
    ['an attribute that is longer than there is', `${MANDATORY}c06305 01`],
    ['our AS in the path', `${ORIGIN}40020a 0202 0000fbf4 0000fc00${NEXT_HOP}`],
  ] as const;
  for (const [what, attributes] of withdrawing) {
    await tell(`${what}: withdrawn`, attributes, isWithdrawn);
    await tell('again', MANDATORY, isTold);
  }
  // A loop is no fault.
  assert.equal(await faults(scene, 'treat_as_withdraw'), withdrawing.length - 1);
  await tell('withdrawn', `400101 09${AS_PATH}${NEXT_HOP}`, isWithdrawn);
  const kept = await tell('without the second ORIGIN', `${MANDATORY}400101 02`, isTold);
  assert.match(kept, /40010100/);
  await tell('withdrawn', `400101 09${AS_PATH}${NEXT_HOP}`, isWithdrawn);
  const unknown = await tell('what nobody knows goes on, with the Partial bit', `${MANDATORY}c0630401020304`, isTold);
  assert.match(unknown, /[ef]063(?:00)?0401020304/);
  assert.equal(await faults(scene, 'attribute_discard'), 1);
  assert.equal((await speaker.status('evil')).sessions, 1);
  assert.equal(evil.isClosed, false);
  await lives(scene);
});

test('UPDATEs that cannot be read end the session with the code of RFC 4271, and no other', async (t) => {
  const wrong: readonly [what: string, bytes: Buffer, code: string][] = [
    ['attributes longer than the message', message(MessageType.update, '0000 ffff 400101'), '3/1'],
    ['withdrawn routes longer than the message', message(MessageType.update, 'ffff 0000'), '3/1'],
    ['a prefix of 33 bits', updateOf(MANDATORY, '21 cb00710000'), '3/10'],
    ['4,097 bytes that were not agreed on', message(MessageType.update, '00'.repeat(4078)), '1/2'],
    ['a message of type 9', message(9, ''), '1/3'],
    ['no marker', Buffer.alloc(19), '1/1'],
    ['an OPEN in a session', openOf(EVIL), '5/3'],
  ];
  const names = wrong.map((_, i) => ({
    ...{ ...EVIL, name: `evil${i}`, address: `127.0.1.${i + 1}` },
    extended_messages: false,
  }));
  const speaker = await RunningSpeaker.start(t, [...names, GOOD]);
  const good = await RawPeer.established(speaker.port, GOOD.address, GOOD);
  for (const [i, [what, bytes, code]] of wrong.entries()) {
    const evil = await RawPeer.established(speaker.port, `127.0.1.${i + 1}`, EVIL);
    evil.say(bytes);
    await until(`${what}: an end`, () => evil.isClosed);
    assert.equal(evil.notification, code, what);
    await lives({ speaker, good });
  }
  const ended = 'cloudbridge_bgp_ended_connections_total{cause="error",established="yes"}';
  assert.equal(await speaker.metric(ended), wrong.length);
  good.close();
});

test('the largest messages: 4,096 bytes, and 65,535 where that was agreed on (RFC 8654)', async (t) => {
  for (const [extendedMessages, most] of [
    [false, 4096],
    [true, 65_535],
  ] as const) {
    const scene = await withSessions(t, { extendedMessages });
    const room = most - 19 - 4 - MANDATORY.replaceAll(' ', '').length / 2;
    const prefixes = Array.from({ length: Math.floor(room / 4) }, (_, i) => `180a${i.toString(16).padStart(4, '0')}`);
    const whole = updateOf(MANDATORY, prefixes.join('') + '00'.repeat(room % 4));
    assert.equal(whole.length, most);
    scene.evil.say(whole);
    await until('all of it', async () => {
      const kept = (await scene.speaker.status('evil')).routes['ipv4-unicast']?.received ?? 0;
      return kept >= prefixes.length;
    });
    await lives(scene);
  }
});

test('a byte at a time is as good as any other way', async (t) => {
  const speaker = await RunningSpeaker.start(t, [EVIL, GOOD]);
  const good = await RawPeer.established(speaker.port, GOOD.address, GOOD);
  const evil = await RawPeer.at(speaker.port, EVIL.address);
  for (const byte of Buffer.concat([openOf(EVIL), KEEPALIVE, updateOf(MANDATORY, NLRI)])) {
    evil.say(Uint8Array.of(byte));
    await wait(1);
  }
  await until('the route is told', () => good.updates.some((text) => text.endsWith(PREFIX)));
  await lives({ speaker, good });
});

test('connections without end: of a stranger, of a neighbour with a session and of one without', async (t) => {
  const scene = await withSessions(t);
  const { speaker } = scene;
  const before = speaker.openFiles;
  const COUNT = 600;
  /** They say nothing, and do not close; some of them do not even get through. */
  const flood = async (from: string): Promise<RawPeer[]> => {
    const peers = await Promise.all(Array.from({ length: COUNT }, () => RawPeer.at(speaker.port, from)));
    await until('few files are open', () => speaker.openFiles <= before + 4);
    await lives(scene);
    return peers;
  };
  const refused = (reason: string): Promise<number> =>
    speaker.metric(`cloudbridge_bgp_refused_connections_total{reason="${reason}"}`);
  const strangers = await flood('127.0.0.99');
  assert.ok((await refused('stranger')) > COUNT / 4);
  assert.ok(strangers.every(({ heard }) => heard.length === 0));
  await flood(EVIL.address);
  assert.ok((await refused('not_wanted')) > COUNT / 4);
  // Without a session: the last one is kept, the others are closed.
  scene.evil.close();
  await until('it is gone', async () => (await speaker.status('evil')).state !== 'established');
  await flood(EVIL.address);
  assert.equal((await speaker.status('evil')).state, 'open_sent');
});

test('a speaker that has no descriptor left goes on, and takes who waits once it has one', async (t) => {
  const most = 80;
  const speaker = await RunningSpeaker.start(t, [EVIL, GOOD], most);
  const good = await RawPeer.established(speaker.port, GOOD.address, GOOD);
  const idle = Array.from({ length: most }, () => connect(speaker.socket).on('error', () => {}));
  await until('none is left', () => speaker.openFiles >= most - 1);
  const evil = await RawPeer.at(speaker.port, EVIL.address);
  await wait(500);
  assert.equal(speaker.hasEnded, false);
  assert.equal(good.isClosed, false);
  assert.equal(evil.heard.length, 0);
  for (const socket of idle) socket.destroy();
  await until('an OPEN', () => evil.count(MessageType.open) === 1);
  await lives({ speaker, good });
});

test('a neighbour whose old connection is half open is refused until the hold time has passed', async (t) => {
  const speaker = await RunningSpeaker.start(t, [{ ...EVIL, hold_seconds: 3 }, GOOD]);
  const old = await RawPeer.established(speaker.port, EVIL.address, EVIL);
  const next = await RawPeer.at(speaker.port, EVIL.address);
  await until('it is refused', () => next.isClosed);
  assert.equal(next.notification, '6/7');
  await until('the old one has expired', () => old.isClosed);
  assert.equal(old.notification, '4/0');
  const again = await RawPeer.established(speaker.port, EVIL.address, EVIL);
  assert.equal((await speaker.status('evil')).sessions, 2);
  again.close();
});

test('who reads nothing is given up after the send hold time, and costs little memory (RFC 9687)', async (t) => {
  const neighbors = [{ ...EVIL, send_hold_seconds: 2, hold_seconds: 0 }, GOOD];
  const speaker = await RunningSpeaker.start(t, neighbors);
  const good = await RawPeer.established(speaker.port, GOOD.address, GOOD);
  const evil = await RawPeer.established(speaker.port, EVIL.address, { ...EVIL, holdTimeS: 0 });
  evil.socket.pause();
  // 16 MiB for it: attributes of 3,600 bytes for each prefix.
  for (let i = 0; i < 4500; i++) {
    const path = `400206 0201 0000fbf5`;
    const communities = i.toString(16).padStart(8, '0').repeat(900);
    good.say(updateOf(`${ORIGIN}${path}${NEXT_HOP}d0080e10${communities}`, `180b${i.toString(16).padStart(4, '0')}`));
    if (i % 100 === 0) await wait(1);
  }
  await until('it is given up', async () => /Send Hold/.test((await speaker.status('evil')).lastError ?? ''));
  const expired = 'cloudbridge_bgp_ended_connections_total{cause="send_hold_expired",established="yes"}';
  assert.equal(await speaker.metric(expired), 1);
  assert.ok(speaker.memory < 300, `${speaker.memory} MiB`);
  evil.socket.resume();
  await lives({ speaker, good });
});

test('who takes connections and ends them at once is not connected to without a pause', async (t) => {
  const port = await freePort();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.write(openOf(EVIL));
    // Once our KEEPALIVE has come, it has the OPEN.
    socket.once('data', () => setTimeout(() => socket.resetAndDestroy(), 5));
  });
  await new Promise<void>((resolve) => server.listen(port, EVIL.address, resolve));
  t.after(() => server.close());
  const speaker = await RunningSpeaker.start(t, [{ ...EVIL, port, passive: false, connect_retry_seconds: 1 }, GOOD]);
  await wait(3000);
  assert.ok(connections >= 1 && connections <= 6, `${connections} connections in 3 s`);
  assert.equal(speaker.hasEnded, false);
});

test('a flood of route refreshes and of changes: the other neighbour is answered meanwhile', async (t) => {
  const scene = await withSessions(t);
  const { speaker, evil, good } = scene;
  const routes = Array.from({ length: 60 }, (_, i) => {
    const prefixes = Array.from({ length: 900 }, (__, j) => `180a${(i * 900 + j).toString(16).padStart(4, '0')}`);
    return updateOf(`${ORIGIN}400206 0201 0000fbf5${NEXT_HOP}`, prefixes.join(''));
  });
  good.say(...routes);
  await until('all are there', async () => (await speaker.status('good')).routes['ipv4-unicast']?.received === 54_000);
  const before = speaker.memory;
  evil.say(...Array.from({ length: 5000 }, () => REFRESH));
  for (let i = 0; i < 5000; i++) evil.say(updateOf(MANDATORY, NLRI), updateOf('', '', NLRI));
  const start = performance.now();
  await lives(scene);
  const ms = performance.now() - start;
  assert.ok(ms < 3000, `answered after ${Math.round(ms)} ms`);
  assert.ok(speaker.memory < before + 100, `${speaker.memory} MiB, ${before} before`);
});
