import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePorts } from '#host/wireguard/ports.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { Drop } from './drop.ts';
import { address, type Host, pair, Scene } from './testing/scene.ts';
import { INITIATION, INITIATION_BYTES } from './wire/initiation.ts';
import { RESPONSE, RESPONSE_BYTES } from './wire/response.ts';

const corpus = readCorpus<keyof typeof Drop>(new URL('testing/corpus/messages.json', import.meta.url));
const { mac } = nodePorts();

test('messages, each to a core that has heard nothing before', () => {
  for (const { name, bytes, expect } of corpus) {
    const scene = new Scene();
    const [peer, victim] = [scene.add(1), scene.add(2)];
    scene.knows(victim, peer);
    victim.takes([{ bytes, from: peer.address, to: victim.address }], 0);
    assert.equal(victim.core.dropped[Drop[expect]], 1, name);
    // A response, or an initiation where enough came for one.
    const isAnswered = expect === 'none' || (expect === 'unknownIndex' && bytes.length >= INITIATION_BYTES);
    assert.equal(victim.poll(0).length, isAnswered ? 1 : 0, name);
  }
});

/** With a mac1 that is right, so that what is behind it is reached. */
const signed = (host: Host, bytes: Uint8Array): Uint8Array => {
  const isInitiation = bytes.length === INITIATION_BYTES;
  const at = isInitiation ? INITIATION.mac1 : RESPONSE.mac1;
  if (!isInitiation && bytes.length !== RESPONSE_BYTES) return bytes;
  const copy = bytes.slice();
  copy[0] = isInitiation ? 1 : 2;
  mac.mac(mac.labelled('mac1----', host.core.publicKey), copy, 0, at, copy, at);
  return copy;
};

test('whatever comes, a core goes on: it raises nothing, sends no more than it got, and its sessions serve', () => {
  const { scene, a, b } = pair();
  scene.send(a, b);
  let [received, sent] = [0, 0];
  survive(corpus, (bytes) => {
    scene.now += 1000;
    for (const each of [bytes, signed(b, bytes)]) {
      if (each.length === 0) continue;
      received += each.length;
      b.takes([{ bytes: each, from: address(66), to: b.address }], scene.now);
      for (const answer of b.poll(scene.now)) if (answer.to[2] === address(66)[2]) sent += answer.bytes.length;
    }
    assert.ok(sent <= received);
    assert.ok(b.ports.transport.size <= 6);
  });
  scene.run(20e6);
  const before = b.received.length;
  scene.send(a, b);
  scene.run(20e6);
  assert.equal(b.received.length, before + 1);
});
