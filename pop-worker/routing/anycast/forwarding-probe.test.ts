import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ForwardingProbe, isAnswer, makeProbe } from './forwarding-probe.ts';

const PATIENT = { limitMs: 1000, mostMs: 1000 };

const answerTo = (probe: Uint8Array): Uint8Array => {
  const answer = new Uint8Array(27);
  answer.set([0x80, 0, 0, 0, 0, 8]);
  answer.set(probe.subarray(15, 23), 6);
  answer[14] = 8;
  answer.set(probe.subarray(6, 14), 15);
  return answer;
};

test('only Version Negotiation with the connection IDs the other way round is an answer', () => {
  const probe = makeProbe();
  assert.equal(probe.length, 1200);
  const answer = answerTo(probe);
  assert.ok(isAnswer(probe, answer));
  assert.ok(!isAnswer(makeProbe(), answer), 'of another probe');
  assert.ok(!isAnswer(probe, probe), 'the probe itself');
  for (let length = 0; length < 23; length++) assert.ok(!isAnswer(probe, answer.subarray(0, length)));
  for (let i = 0; i < 23; i++) {
    const changed = Uint8Array.from(answer);
    changed[i] = (changed[i] as number) ^ 0x80;
    assert.ok(!isAnswer(probe, changed), String(i));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => !isAnswer(probe, bytes)));
});

const listening = async (answer: (probe: Uint8Array) => Uint8Array | undefined) => {
  const server = createSocket('udp4');
  server.on('message', (probe, { address, port }) => {
    const bytes = answer(probe);
    if (bytes !== undefined) server.send(bytes, port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, target: { address: '127.0.0.1', port: (server.address() as AddressInfo).port } };
};

test('silence, a closed port and what is no answer are each told of in words', async () => {
  const { server, target } = await listening((probe) => probe);
  const { address, port } = target;
  assert.equal(
    await new ForwardingProbe(target, { limitMs: 30, mostMs: 30 }).ask(),
    `${address} gave no answer within 30 ms`,
  );
  server.close();
  await once(server, 'close');
  assert.match((await new ForwardingProbe({ address, port }, PATIENT).ask()) ?? '', /cannot be asked: .*ECONNREFUSED/);
  assert.match((await new ForwardingProbe({ address: '192.0.2.256', port }, PATIENT).ask()) ?? '', /cannot be asked/);
});

test('an answer is one, from a port of its own each time', async () => {
  const ports = new Set<number>();
  const { server, target } = await listening(answerTo);
  server.on('message', (_, { port }) => ports.add(port));
  const probe = new ForwardingProbe(target, PATIENT);
  for (let i = 0; i < 3; i++) assert.equal(await probe.ask(), undefined);
  assert.equal(ports.size, 3);
  server.close();
});

test('a data plane that waits for a core is given that time again, up to a limit', async (t) => {
  const AFTER_MS = 120;
  const { server, target } = await listening(() => undefined);
  const timers: NodeJS.Timeout[] = [];
  t.after(() => {
    for (const timer of timers) clearTimeout(timer);
    server.close();
  });
  server.on('message', (probe, { address, port }) => {
    timers.push(setTimeout(() => server.send(answerTo(probe), port, address), AFTER_MS));
  });
  const rules = { limitMs: 40, mostMs: 10_000 };
  const strict = new ForwardingProbe(target, rules);
  assert.match((await strict.ask()) ?? '', /no answer within 40 ms/);
  assert.equal(strict.late, 0);
  const excused = new ForwardingProbe(target, rules, () => {
    const start = performance.now();
    return () => (performance.now() - start) * 1000;
  });
  assert.equal(await excused.ask(), undefined);
  assert.equal(excused.late, 1);
  const limited = new ForwardingProbe(target, { limitMs: 40, mostMs: 60 }, () => () => 1e9);
  assert.match((await limited.ask()) ?? '', /no answer within 40 ms/);
});
