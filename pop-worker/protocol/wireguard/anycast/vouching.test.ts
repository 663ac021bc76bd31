import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst, D_LOCAL, D_REMOTE } from '../../burst.ts';
import { HANDSHAKES_A_TURN } from '../backlog.ts';
import { Drop } from '../drop.ts';
import type { WireGuardOptions, WireGuardSink } from '../options.ts';
import type { Peer } from '../peer.ts';
import { address, type Datagram, type Host, privateKey, Scene } from '../testing/scene.ts';
import { QUESTIONS_A_SECOND, UNANSWERED_A_SECOND } from './budget.ts';
import { ANSWER_US, ASK_AGAIN_US, GLANCE_US, MOST_QUESTIONS, SILENCE_US, type Verdict } from './questions.ts';

const HOLDER = 7;
const STRANGER = address(66);
const NEVER = Number.POSITIVE_INFINITY;

/** A client with a session at one worker, and a second worker which knows that and hands over what comes to it. */
const edge = (options: Partial<WireGuardOptions> = {}, more: Partial<WireGuardSink> = {}) => {
  const scene = new Scene();
  const [client, first] = [scene.add(1), scene.add(2)];
  scene.route = first;
  const [, onFirst] = scene.join(client, first);
  scene.send(client, first);
  /** How the second worker sees the first one. */
  const view = { holder: HOLDER as number | undefined, silentFrom: 0, reaches: true };
  const asked: { readonly number: number; readonly verdict: Verdict | undefined }[] = [];
  const delivered: number[] = [];
  const sink: WireGuardSink = {
    packets: (_, __, count) => void delivered.push(count),
    confirmed: () => {},
    moved: () => {},
    holder: () => view.holder,
    silentFrom: () => view.silentFrom,
    elsewhere: (_, buffer, at, length, words, from, question) => {
      if (!view.reaches || view.holder === undefined) return false;
      const burst = new Burst(4096, 1);
      burst.buffer.set(buffer.subarray(at, at + length));
      burst.commit(length, 0, words, from + D_REMOTE, words, from + D_LOCAL);
      if (question === 0) first.core.handle({ kind: 'datagrams', burst, isHanded: true }, scene.now);
      else asked.push({ number: question, verdict: first.core.judge(burst, scene.now) });
      return true;
    },
    ...more,
  };
  const second = scene.add(2, { sink, ...options });
  const onSecond = scene.knows(second, client);
  scene.run(5e6);
  scene.route = second;
  const answer = (from = HOLDER): void => {
    for (const { number, verdict } of asked.splice(0))
      if (verdict !== undefined) second.core.answer(from, number, verdict, scene.now);
    scene.settle();
  };
  const sentTo = (to: Int32Array): number =>
    scene.log.filter((sent) => sent.host === second && sent.to.join() === to.join()).length;
  return { scene, client, first, second, onFirst, onSecond, view, asked, delivered, answer, sentTo };
};

test('where the worker that had the session is gone, a third of what an initiation has is enough; where there is none, nothing less', () => {
  for (const [isOrphaned, least] of [
    [true, 50],
    [false, 148],
  ] as const) {
    const { scene, second, view, sentTo } = edge({}, { isOrphaned: () => isOrphaned });
    view.holder = undefined;
    forged(scene, second, 1, STRANGER, 32);
    forged(scene, second, 1, STRANGER, least - 33);
    assert.equal(sentTo(STRANGER), 0);
    forged(scene, second, 1, STRANGER, 32);
    assert.equal(sentTo(STRANGER), 1, `${least}`);
    scene.run(1e6);
    forged(scene, second, 1, STRANGER, least - 33);
    assert.equal(sentTo(STRANGER), 1, 'what was spent is gone');
  }
});

/** Whoever was asked and says nothing is gone then. */
const GONE_US = SILENCE_US + GLANCE_US;

/** Data in a peer's name that opens nowhere. */
const forged = (scene: Scene, to: Host, peer: number, from: Int32Array, length = 1000): void => {
  const bytes = new Uint8Array(length);
  bytes.set([4, 0, 0, 0, 0x77, peer & 0xff, (peer >> 8) & 0xff, peer >> 16]);
  to.takes([{ bytes, from, to: to.address }], scene.now);
  scene.settle();
};

test('a client whose session is elsewhere is begun with once the worker there says that it is the client, and served there until then', () => {
  const { scene, client, first, second, asked, answer, delivered } = edge();
  const before = first.received.length;
  scene.send(client, second, 200);
  assert.deepEqual([scene.trace(second), first.received.length - before], [[], 1]);
  assert.deepEqual(
    asked.map(({ verdict }) => verdict),
    ['authentic'],
  );
  answer();
  assert.deepEqual(scene.trace(second), ['5:1', '5:k']);
  scene.send(client, second, 200);
  assert.deepEqual(delivered, [1]);
  assert.deepEqual({ ...second.core.questions }, { ...none, asked: 1, vouched: 1 });
});

const none = { asked: 0, vouched: 0, denied: 0, absent: 0, silent: 0, unanswered: 0, refused: 0, unasked: 0 };

test('whoever is not the client is begun with never: data that opens nowhere, copies of its own, answers that it gave before', () => {
  const { scene, client, first, second, onFirst, answer, sentTo } = edge();
  const caught: Datagram[] = [];
  scene.filter = (datagram, host) => {
    if (host === client) caught.push(datagram);
    return true;
  };
  first.core.renewPeer(onFirst, scene.now);
  scene.settle();
  for (let i = 0; i < 5; i++) scene.send(client, second, 200);
  answer();
  // It is at the second worker by now, and goes back.
  scene.run(3e6);
  const { holder } = { holder: HOLDER };
  assert.equal(caught[0]?.bytes[0], 2, 'a response');
  const denied = second.core.questions.denied;
  for (let i = 0; i < 100; i++) {
    for (const datagram of caught) second.takes([{ ...datagram, from: STRANGER }], scene.now);
    forged(scene, second, 1, STRANGER);
    answer(holder);
    scene.run(0.3e6);
  }
  assert.equal(sentTo(STRANGER), 0);
  assert.ok(second.core.questions.denied - denied >= 99, `${second.core.questions.denied}`);
  assert.equal(second.core.questions.silent, 0);
});

test('a response to what another worker began goes there, and is the client’s word where it is awaited', () => {
  const { scene, client, first, second, onFirst, asked, answer } = edge();
  const sessions = first.core.totals.sessions;
  first.core.renewPeer(onFirst, scene.now);
  scene.settle();
  assert.equal(first.core.totals.sessions, sessions + 1, 'no handshake is lost on the way');
  assert.deepEqual(
    asked.map(({ verdict }) => verdict),
    ['authentic'],
  );
  answer();
  scene.run(40_000);
  assert.deepEqual(asked, [], 'it is known by now where the client is');
  assert.deepEqual(
    scene.trace(second).filter((each) => each.endsWith(':1')),
    ['5:1'],
  );
  assert.equal(second.core.totals.sessions, 1);
  scene.send(client, second);
  assert.equal(second.core.totals.receivedMessages, 1);
});

test('a worker that is silent altogether is taken for gone 50 ms after it was asked, or was heard last', () => {
  for (const heardUs of [0, 30_000, 49_999]) {
    const { scene, client, second, view, sentTo } = edge();
    const at = scene.now;
    scene.send(client, second, 200);
    scene.run(heardUs);
    if (heardUs > 0) view.silentFrom = scene.now + SILENCE_US;
    scene.run(GONE_US - 1);
    assert.equal(sentTo(client.address), 0, `${heardUs}`);
    scene.run(1);
    assert.ok(sentTo(client.address) > 0, `${heardUs}`);
    assert.equal(scene.now - at, heardUs + GONE_US);
    assert.deepEqual({ ...second.core.questions }, { ...none, asked: 1, silent: 1 });
    assert.equal(second.core.totals.sessions, 1);
  }
});

test('a worker that is heard in the last moment is given all of its time again, and the glance after it', () => {
  const { scene, client, second, view, sentTo } = edge();
  scene.send(client, second, 200);
  scene.run(SILENCE_US);
  view.silentFrom = scene.now + 10_000;
  scene.run(10_000 + GLANCE_US - 1);
  assert.equal(sentTo(client.address), 0);
  scene.run(1);
  assert.ok(sentTo(client.address) > 0);
});

test('a small packet is enough where the worker that was asked is silent, not where it has no session', () => {
  for (const isSilent of [true, false]) {
    const { scene, client, second, asked, sentTo } = edge();
    scene.send(client, second, 20);
    const { number } = asked.splice(0)[0] as (typeof asked)[number];
    if (!isSilent) second.core.answer(HOLDER, number, 'absent', scene.now);
    scene.run(GONE_US);
    assert.equal(sentTo(client.address) > 0, isSilent);
  }
});

test('whom a worker has vouched for is on its way to the other; who has come there meanwhile is not begun with once more', () => {
  let isHere = false;
  const { scene, client, first, onFirst, asked, answer, sentTo } = edge({}, { isHere: () => isHere });
  first.core.renewPeer(onFirst, scene.now);
  scene.settle();
  assert.equal(asked[0]?.verdict, 'authentic');
  assert.equal(onFirst.vouchedForAt, scene.now);
  answer();
  assert.equal(sentTo(client.address), 0, 'it takes no initiation so soon after the one that it has answered');
  isHere = true;
  scene.run(100_000);
  assert.equal(sentTo(client.address), 0);
});

test('while anything is heard of it, an answer that does not come begins nothing, and is not waited for forever', () => {
  const { scene, second, view, asked, sentTo } = edge();
  for (let ms = 0; ms < 5000; ms += 10) {
    if (ms % 40 === 0) view.silentFrom = scene.now + SILENCE_US;
    forged(scene, second, 1, STRANGER);
    scene.run(10_000);
  }
  assert.equal(sentTo(STRANGER), 0);
  assert.equal(asked.length, 5e6 / ASK_AGAIN_US, 'once in 50 ms');
  for (let ms = 0; ms < 1100; ms += 40) {
    view.silentFrom = scene.now + SILENCE_US;
    scene.run(40_000);
  }
  assert.deepEqual({ ...second.core.questions }, { ...none, asked: asked.length, unanswered: asked.length });
  assert.equal(second.core.deadline(), NEVER, 'nothing is left of it');
});

test('what does not get to the worker is no question: its silence says nothing', () => {
  const { scene, client, second, view, asked, answer, sentTo } = edge();
  view.reaches = false;
  for (let i = 0; i < 20; i++) {
    forged(scene, second, 1, STRANGER);
    scene.run(30_000);
  }
  assert.deepEqual([sentTo(STRANGER), asked.length, second.core.questions.asked], [0, 0, 0]);
  assert.equal(second.core.deadline(), NEVER);
  view.reaches = true;
  scene.send(client, second, 200);
  answer();
  assert.ok(sentTo(client.address) > 0, 'the first one that gets there is asked about');
});

test('nobody is asked where nobody has the session, and nobody waited for who is dead meanwhile', () => {
  const { scene, client, second, view, asked, sentTo } = edge();
  view.holder = undefined;
  scene.send(client, second, 200);
  assert.deepEqual([asked.length, second.core.questions.asked, sentTo(client.address) > 0], [0, 0, true]);
  const other = edge();
  other.view.silentFrom = NEVER;
  other.scene.send(other.client, other.second, 200);
  other.view.holder = undefined;
  other.scene.run(GONE_US);
  assert.ok(other.sentTo(other.client.address) > 0, 'though something of it was on its way yet');
});

test('a worker that has no session of the peer says so, and another that is known by then is asked instead', () => {
  const { scene, client, first, second, onFirst, view, asked, answer, sentTo } = edge();
  first.core.resetPeer(onFirst);
  scene.send(client, second, 200);
  assert.deepEqual(
    asked.map(({ verdict }) => verdict),
    ['absent'],
  );
  answer();
  assert.ok(sentTo(client.address) > 0);
  const other = edge();
  other.first.core.resetPeer(other.onFirst);
  other.scene.send(other.client, other.second, 200);
  other.view.holder = HOLDER + 1;
  other.answer();
  assert.equal(other.sentTo(other.client.address), 0);
  other.scene.send(other.client, other.second, 200);
  assert.equal(other.asked.length, 0, 'not within 50 ms');
  other.scene.run(GONE_US);
  other.scene.send(other.client, other.second, 200);
  assert.equal(other.asked.length, 1);
  assert.equal(view.holder, HOLDER);
});

test('an answer is to a question, once, in time, and of whoever was asked', () => {
  const { scene, client, second, asked, answer, sentTo } = edge();
  const asks = (): (typeof asked)[0] => {
    scene.run(ASK_AGAIN_US);
    scene.send(client, second, 200);
    return asked.at(-1) as (typeof asked)[0];
  };
  const { number } = asks();
  for (const [from, what] of [
    [HOLDER + 1, number],
    [HOLDER, number + 1],
    [HOLDER, 0],
  ] as const)
    second.core.answer(from, what, 'authentic', scene.now);
  scene.settle();
  assert.deepEqual([sentTo(client.address), second.core.questions.unasked], [0, 3]);
  answer();
  assert.ok(sentTo(client.address) > 0);
  second.core.answer(HOLDER, number, 'authentic', scene.now);
  assert.equal(second.core.questions.unasked, 4);

  const late = edge();
  late.scene.send(late.client, late.second, 200);
  for (let us = 0; us <= ANSWER_US; us += 10_000) {
    late.view.silentFrom = late.scene.now + SILENCE_US;
    late.scene.run(10_000);
  }
  late.answer();
  assert.deepEqual([late.sentTo(late.client.address), late.second.core.questions.unasked], [0, 1]);
});

test('whom the worker vouches for, nobody takes the place of, and a peer that is gone by then gets nothing', () => {
  const { scene, client, second, answer, onSecond, sentTo } = edge();
  /** 32 bytes. */
  const keepalive = (): void => {
    client.core.setPersistentKeepalive([...client.core.peers][0] as Peer, 25);
    scene.settle();
  };
  keepalive();
  answer();
  for (let i = 0; i < 10; i++) {
    forged(scene, second, 1, address(100 + i));
    scene.run(10_000);
    answer();
  }
  assert.equal(sentTo(client.address), 0, '32 bytes');
  keepalive();
  assert.ok(sentTo(client.address) > 0, '64 bytes');
  assert.equal(onSecond.endpoint.words[2], client.address[2]);
  const other = edge();
  other.scene.send(other.client, other.second, 200);
  other.second.core.removePeer(other.onSecond);
  other.answer();
  other.scene.run(GONE_US);
  assert.equal(other.sentTo(other.client.address), 0);
});

test('a client that has moved again is found again, however lately it was vouched for', () => {
  const { scene, client, second, answer, sentTo } = edge();
  scene.filter = ({ bytes }, host) => host !== second || bytes[0] !== 1;
  scene.send(client, second, 200);
  answer();
  assert.equal(sentTo(client.address), 1, 'lost on the way');
  scene.run(1e6);
  scene.filter = () => true;
  client.address = address(1, 999);
  scene.send(client, second, 200);
  answer();
  assert.ok(sentTo(client.address) > 0);
  assert.equal(second.core.totals.sessions, 1);
});

/** Peers that are known to be at the other worker, or nowhere. */
const crowd = (second: Host, count: number): number[] => {
  const numbers = Array.from({ length: count }, (_, i) => 1000 + i);
  for (const number of numbers) {
    const secret = new Uint8Array(32).fill(number & 0xff);
    secret.set([64, number >> 8], 30);
    second.core.addPeer({ number, publicKey: second.ports.handshake.identity(secret).publicKey });
  }
  return numbers;
};

test('1,000 questions a second, 1,024 without an answer: beyond that nothing is asked and nothing begun', () => {
  const { scene, second, view, asked } = edge();
  view.silentFrom = NEVER;
  const numbers = crowd(second, QUESTIONS_A_SECOND + 200);
  for (const number of numbers) forged(scene, second, number, STRANGER);
  assert.deepEqual([asked.length, second.core.questions.refused], [QUESTIONS_A_SECOND, 200]);
  scene.run(100_000);
  for (const number of numbers) forged(scene, second, number, STRANGER);
  assert.equal(asked.length, MOST_QUESTIONS);
  assert.deepEqual(scene.trace(second), []);
  scene.run(ANSWER_US);
  assert.equal(second.core.questions.unanswered, MOST_QUESTIONS);
  forged(scene, second, numbers[0] as number, STRANGER);
  assert.equal(asked.length, MOST_QUESTIONS + 1);
});

test('who uses up what a worker begins with strangers does not hinder a client that is vouched for', () => {
  const { scene, client, second, view, answer, sentTo } = edge();
  view.holder = undefined;
  for (const number of crowd(second, UNANSWERED_A_SECOND + 50)) forged(scene, second, number, STRANGER);
  assert.equal(sentTo(STRANGER), UNANSWERED_A_SECOND);
  view.holder = HOLDER;
  scene.send(client, second, 200);
  answer();
  assert.ok(sentTo(client.address) > 0);
});

test('of what was handed over nothing is asked, whatever a worker wants to know', () => {
  const { scene, client, second, asked } = edge();
  let caught: Datagram | undefined;
  scene.filter = (datagram, host) => {
    if (host === client) caught = datagram;
    return host !== client;
  };
  scene.send(client, second, 200);
  const { bytes, from, to } = caught as Datagram;
  const burst = new Burst(4096, 1);
  burst.buffer.set(bytes);
  burst.commit(bytes.length, 0, from, 0, to, 0);
  assert.equal(second.core.judge(burst, scene.now), 'absent');
  assert.deepEqual([second.core.questions.asked, scene.trace(second)], [0, []]);
  burst.buffer[0] = 9;
  assert.equal(second.core.judge(burst, scene.now), 'forged');
  assert.equal(asked.length, 0);
});

test('data of a generation that two workers gave goes on and is asked about like any other', () => {
  const { scene, client, second, asked, answer, onSecond } = edge();
  scene.send(client, second, 200);
  answer();
  scene.run(3e6);
  const index = onSecond.keypairs.current?.index as number;
  const begun = second.core.totals.initiationsSent;
  const bytes = new Uint8Array(1000);
  bytes.set([4, 0, 0, 0, index & 0xff, index >> 8, index >> 16, index >>> 24]);
  second.takes([{ bytes, from: STRANGER, to: second.address }], scene.now);
  scene.settle();
  assert.deepEqual([asked.length, second.core.dropped[Drop.authentication]], [1, 0]);
  answer();
  assert.equal(second.core.totals.initiationsSent, begun);
});

test('a response that was handed over and waited for its turn is as one that did not', () => {
  const { scene, client, second, view } = edge();
  const caught: Datagram[] = [];
  scene.filter = (datagram, host) => {
    if (host !== client || datagram.bytes[0] !== 2) return true;
    caught.push(datagram);
    return false;
  };
  forged(scene, second, 1, client.address);
  view.holder = undefined;
  forged(scene, second, 1, client.address);
  const begun = second.core.totals.initiationsSent;
  assert.equal(caught.length, 1);
  const { bytes } = caught[0] as Datagram;
  scene.run(6e6);
  const burst = new Burst(4096, 1);
  for (let i = 0; i < 3 * HANDSHAKES_A_TURN; i++) {
    burst.buffer.set(bytes, burst.used);
    burst.commit(bytes.length, 0, STRANGER, 0, second.address, 0);
  }
  second.core.handle({ kind: 'datagrams', burst, isHanded: true }, scene.now);
  scene.run(1e6);
  assert.deepEqual([second.core.totals.initiationsSent, second.core.deadline()], [begun, NEVER]);
  assert.equal(second.core.dropped[Drop.unknownIndex], 1 + 3 * HANDSHAKES_A_TURN);
});

test('where it is not known any more who has the session, a client that moves on is begun with at once', () => {
  const { scene, client, second, view, answer, sentTo } = edge();
  scene.filter = ({ bytes }, host) => host !== second || bytes[0] !== 1;
  scene.send(client, second, 200);
  answer();
  view.holder = undefined;
  scene.run(1e6);
  client.address = address(1, 999);
  scene.send(client, second, 200);
  assert.equal(sentTo(client.address), 1);
});

test('of a worker that is gone it is begun with whoever it was asked about, whoever came behind him', () => {
  const { scene, client, second, sentTo } = edge();
  scene.send(client, second, 200);
  forged(scene, second, 1, STRANGER);
  scene.run(GONE_US);
  assert.deepEqual([sentTo(client.address) > 0, sentTo(STRANGER)], [true, 0]);
});

/** A datagram as another worker hands it over. */
const handed = (bytes: Uint8Array, to: Host): Burst => {
  const burst = new Burst(4096, 1);
  burst.buffer.set(bytes);
  burst.commit(bytes.length, 0, STRANGER, 0, to.address, 0);
  return burst;
};

test('each question about a response is answered, however many come; while others wait for their turn there is nothing to say yet', () => {
  const { scene, client, second } = edge();
  let caught: Datagram | undefined;
  scene.filter = (datagram, host) => {
    if (host === client && datagram.bytes[0] === 2) caught = datagram;
    return host !== client;
  };
  forged(scene, second, 1, client.address);
  scene.run(GONE_US);
  const { bytes } = caught as Datagram;
  const other = edge().second;
  for (let i = 0; i < 3 * HANDSHAKES_A_TURN; i++)
    assert.equal(other.core.judge(handed(bytes, other), scene.now), 'absent');
  const burst = new Burst(4096, 1);
  for (let i = 0; i < 3 * HANDSHAKES_A_TURN; i++) {
    burst.buffer.set(bytes, burst.used);
    burst.commit(bytes.length, 0, STRANGER, 0, other.address, 0);
  }
  other.core.handle({ kind: 'datagrams', burst, isHanded: true }, scene.now);
  assert.equal(other.core.judge(handed(bytes, other), scene.now), undefined);
});

test('a worker that has begun with a peer, or was, does not say that it has nothing with it', () => {
  const scene = new Scene();
  const [client, begun, asked] = [scene.add(1), scene.add(2), scene.add(2)];
  scene.knows(client, begun, { endpoint: begun.address });
  const [onBegun] = [begun, asked].map((host) => scene.knows(host, client, { endpoint: client.address }));
  const data = new Uint8Array(100);
  data.set([4, 0, 0, 0, 0x77, 1, 0, 0]);
  const says = (host: Host) => host.core.judge(handed(data, host), scene.now);
  assert.deepEqual([says(begun), says(asked)], ['absent', 'absent']);
  scene.filter = (_, host) => host === client;
  scene.route = asked;
  begun.core.renewPeer(onBegun as Peer, scene.now);
  scene.send(client, asked);
  assert.deepEqual([scene.trace(begun), scene.trace(asked)], [['0:1'], ['0:2']]);
  assert.deepEqual([says(begun), says(asked)], ['forged', 'forged']);
});

/** What a client answers when a worker begins with it anew: that one does not get it, nor anything that the client sends from then on. */
const answerTo = (scene: Scene, worker: Host, onWorker: Peer, client: Host): Uint8Array => {
  let caught: Datagram | undefined;
  scene.filter = (datagram, host) => {
    if (host === client) caught = datagram;
    return host !== client;
  };
  worker.core.renewPeer(onWorker, scene.now);
  scene.settle();
  const { bytes } = caught as Datagram;
  assert.equal(bytes[0], 2);
  return bytes;
};

test('an answer that comes by another worker when the client is there already takes it away from nobody', () => {
  const scene = new Scene();
  const view = { isHere: true };
  const sink = { packets: () => {}, confirmed: () => {}, moved: () => {}, isHere: () => view.isHere };
  const [client, worker] = [scene.add(1), scene.add(2, { sink })];
  const [, onWorker] = scene.join(client, worker);
  scene.send(client, worker);
  scene.run(5e6);
  const bytes = answerTo(scene, worker, onWorker, client);
  const { sessions } = worker.core.totals;
  view.isHere = false;
  assert.equal(worker.core.judge(handed(bytes, worker), scene.now), 'forged');
  assert.equal(worker.core.totals.sessions, sessions);
  view.isHere = true;
  assert.equal(worker.core.judge(handed(bytes, worker), scene.now), 'authentic');
  assert.equal(worker.core.totals.sessions, sessions + 1);
});

test('which key of ours a client knows is not forgotten while a stranger sends and the worker is asked', () => {
  const keys = { privateKey: privateKey(9), previous: { privateKey: privateKey(2) } };
  const { scene, client, first, second, onFirst, answer } = edge(keys);
  first.core.renewPeer(onFirst, scene.now);
  scene.settle();
  forged(scene, second, 1, STRANGER);
  answer();
  scene.run(30_000);
  // Together with the response enough for one initiation.
  scene.send(client, second, 20);
  assert.equal(second.core.totals.sessions, 1);
});

/** Of a chance that is the same each time. */
const chance = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** Round trip to the worker that has the session, packets lost of a hundred, and how often somebody sends in its device's name. */
const LOSSY = [
  ...[
    [20, 1, 50],
    [60, 1, 70],
    [100, 1, 250],
  ],
  ...[
    [200, 1, 250],
    [200, 0.1, 250],
  ],
] as const;

for (const [rttMs, lossPercent, everyMs] of LOSSY)
  test(`a worker ${rttMs} ms away that lives is never taken for gone, ${lossPercent} % of packets lost, whatever is sent in a device’s name`, () => {
    const { scene, second, view, asked, sentTo } = edge();
    const random = chance(rttMs);
    const isLost = (): boolean => random() * 100 < lossPercent;
    const heard = (us: number): void => {
      view.silentFrom = Math.max(view.silentFrom, scene.now + us);
    };
    const late: { at: number; number: number; verdict: Verdict }[] = [];
    heard(130_000);
    for (let ms = 0; ms < 100_000; ms += 2) {
      // As the mesh's probes, and as `Heard` has it.
      if (ms % 40 === 0 && !isLost()) heard(130_000);
      if (ms % everyMs === 0) forged(scene, second, 1, STRANGER);
      for (const { number, verdict } of asked.splice(0))
        if (verdict !== undefined && !isLost() && !isLost())
          late.push({ at: scene.now + rttMs * 1000, number, verdict });
      while (late[0] !== undefined && late[0].at <= scene.now) {
        const { number, verdict } = late.shift() as (typeof late)[number];
        heard(50_000);
        second.core.answer(HOLDER, number, verdict, scene.now);
      }
      scene.run(2000);
      assert.equal(sentTo(STRANGER), 0, `after ${ms} ms`);
      scene.log.length = 0;
    }
    assert.ok(second.core.questions.denied > 100);
  });

test('an answer to what was begun here does not wait for its time: late it would take the peer away from where it has gone', () => {
  const time = { isLeft: true, isPlenty: true, untilLeftUs: 400, refill: () => {}, start: () => {}, spend: () => {} };
  const scene = new Scene();
  const [client, worker] = [scene.add(1), scene.add(2, { handshakeTime: time })];
  const [, onWorker] = scene.join(client, worker);
  scene.send(client, worker);
  scene.run(100e6);
  const bytes = answerTo(scene, worker, onWorker, client);
  time.isLeft = false;
  assert.equal(worker.core.judge(handed(bytes, worker), scene.now), 'authentic');
});
