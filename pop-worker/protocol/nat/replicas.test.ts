import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Protocol } from '#protocol/ip/view.ts';
import { Replicas } from './replicas.ts';
import type { FlowFields } from './told-session.ts';
import { readFlow, readSections, type Section, SectionFlag, SectionWriter } from './wire.ts';

const head = { key: 'red/phone', address: 0xcb007110, port: 1024, ports: 64 };
const flow = (n: number, state = 2): FlowFields => ({
  ...{ protocol: Protocol.tcp, state, innerAddress: 0x0a400002, innerPort: 40_000 + n, outerPort: 1024 + n },
  ...{ remoteAddress: 0xc6336401, remotePort: 443 },
});

const sectionsOf = (bytes: Uint8Array): Section[] => {
  const found: Section[] = [];
  assert.ok(readSections(bytes, 0, bytes.length, (section) => found.push(section)));
  return found;
};

const applyTo = (replicas: Replicas, bytes: Uint8Array): void => {
  for (const section of sectionsOf(bytes)) replicas.apply(section, bytes);
};

/** Everything that is told of a device, as sessions, and the flags. */
const told = (replicas: Replicas, key: string): { flags: number[]; ports: number[] } => {
  const flags: number[] = [];
  const ports: number[] = [];
  replicas.tellAll(key, (message) => {
    for (const section of sectionsOf(message)) {
      flags.push(section.flags);
      for (let i = 0; i < section.count; i++) {
        const fields = flow(0);
        readFlow(message, section.at + 16 * i, fields);
        ports.push(fields.outerPort);
      }
    }
  });
  return { flags, ports: ports.sort((a, b) => a - b) };
};

test('changes of several devices are gathered in one message, a section each as long as it is one after the other', () => {
  const writer = new SectionWriter();
  const other = { ...head, key: 'blue/phone', port: 1088 };
  for (const [of, n] of [[head, 1] as const, [head, 2] as const, [other, 3] as const, [head, 4] as const]) {
    assert.ok(writer.add(of, flow(n)));
  }
  const bytes = writer.take().slice();
  assert.equal(writer.length, 0);
  assert.deepEqual(
    sectionsOf(bytes).map(({ key, port, flags, count }) => [key, port, flags, count]),
    [
      ['red/phone', 1024, 0, 2],
      ['blue/phone', 1088, 0, 1],
      ['red/phone', 1024, 0, 1],
    ],
  );
  assert.ok(writer.add(head, flow(1)));
  for (let n = 0; writer.add(head, flow(n)); n++) assert.ok(n < 600);
  assert.ok(writer.take().length <= 8192);
});

test('sessions are kept until they end; of another block none is left', () => {
  const replicas = new Replicas();
  const writer = new SectionWriter();
  for (let n = 0; n < 10; n++) writer.add(head, flow(n));
  writer.add(head, flow(3, 5));
  writer.add(head, flow(4, 0));
  writer.add(head, flow(99, 0));
  applyTo(replicas, writer.take());
  assert.equal(replicas.flows, 9);
  assert.deepEqual(told(replicas, head.key), {
    flags: [1, 2],
    ports: [0, 1, 2, 3, 5, 6, 7, 8, 9].map((n) => 1024 + n),
  });
  writer.add({ ...head, port: 2048 }, { ...flow(1), outerPort: 2049 });
  applyTo(replicas, writer.take());
  assert.deepEqual(told(replicas, head.key).ports, [2049]);
  writer.begin(head, SectionFlag.first | SectionFlag.last);
  applyTo(replicas, writer.take());
  assert.deepEqual(told(replicas, head.key), { flags: [3], ports: [] });
  assert.equal(replicas.flows, 0);
});

test('what is told whole is the same at the other end, in as many messages as it takes', () => {
  const [replicas, copy] = [new Replicas(), new Replicas()];
  const writer = new SectionWriter();
  for (let n = 0; n < 2000; n++) {
    if (writer.add(head, flow(n))) continue;
    applyTo(replicas, writer.take());
    writer.add(head, flow(n));
  }
  applyTo(replicas, writer.take());
  let messages = 0;
  replicas.tellAll(head.key, (message) => {
    messages++;
    applyTo(copy, message);
  });
  assert.equal(messages, 4);
  assert.equal(copy.flows, 2000);
  assert.deepEqual(told(copy, head.key).ports, told(replicas, head.key).ports);
});

test('who is gone is forgotten in time, unless somebody has him again', () => {
  const replicas = new Replicas();
  const writer = new SectionWriter();
  for (const key of ['a/1', 'a/2', 'a/3']) writer.add({ ...head, key }, flow(1));
  applyTo(replicas, writer.take());
  replicas.mark('a/1', true, 10);
  replicas.mark('a/2', true, 10);
  replicas.mark('a/2', false, 20);
  replicas.mark('a/1', true, 30);
  replicas.forgetGone(11);
  assert.deepEqual([...replicas.keys()], ['a/2', 'a/3']);
  assert.equal(replicas.flows, 2);
});

test('memory has an end: what is too much is counted, what is there stays', () => {
  // A device and four sessions.
  const replicas = new Replicas(256 + 4 * 16);
  const writer = new SectionWriter();
  for (let n = 0; n < 6; n++) writer.add(head, flow(n));
  writer.add({ ...head, key: 'a/2' }, flow(7));
  applyTo(replicas, writer.take());
  assert.deepEqual([replicas.flows, replicas.refused, replicas.bytes], [4, 3, 320]);
});

test('sessions that come, change and go are those that a plain map has, however many', () => {
  const step = fc.record({ n: fc.integer({ min: 0, max: 99 }), state: fc.integer({ min: 0, max: 4 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), fc.nat(), (steps, k0) => {
      const replicas = new Replicas(undefined, undefined, { k0, k1: 1 });
      const model = new Map<number, number>();
      const writer = new SectionWriter();
      for (const { n, state } of steps) {
        writer.add(head, flow(n, state));
        if (state > 0) model.set(1024 + n, state);
        else model.delete(1024 + n);
      }
      applyTo(replicas, writer.take());
      const states = new Map<number, number>();
      replicas.tellAll(head.key, (message) => {
        for (const section of sectionsOf(message)) {
          const fields = flow(0);
          for (let i = 0; i < section.count; i++) {
            readFlow(message, section.at + 16 * i, fields);
            assert.ok(!states.has(fields.outerPort), 'twice');
            states.set(fields.outerPort, fields.state);
          }
        }
      });
      assert.deepEqual(new Map([...states].sort()), new Map([...model].sort()));
      assert.equal(replicas.flows, model.size);
      replicas.forget(head.key);
      assert.equal(replicas.bytes, 0);
    }),
  );
});

test('a session of many is found without looking at the others', () => {
  const replicas = new Replicas();
  const writer = new SectionWriter();
  const say = (n: number, state: number): void => {
    writer.add(head, flow(n, state));
    applyTo(replicas, writer.take());
  };
  for (let n = 0; n < 16_384; n++) say(n, 2);
  assert.equal(replicas.flows, 16_384);
  const { looked } = replicas;
  for (let n = 0; n < 16_384; n++) say(16_383 - n, 3);
  // Beside it, those that have the same 32 bits of hash.
  assert.ok(replicas.looked - looked < 16_384 + 100, `${replicas.looked - looked} looks`);
  for (let n = 0; n < 16_384; n++) say(n, 0);
  assert.equal(replicas.flows, 0);
});
