import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Refusal } from './acknowledgement.ts';
import { readU16, readU32, writeU32 } from './bytes.ts';
import { Exchange, Outcome } from './exchange.ts';
import { ControlType, Flag, HEADER_BYTES } from './header.ts';
import { LinkMessage } from './link.ts';
import { newRoute, RouteMessage, writeRoute } from './route.ts';
import { MessageWriter } from './writer.ts';

/** Requests of a batch: type, flags, sequence. */
const requests = (bytes: Uint8Array): number[][] => {
  const found: number[][] = [];
  for (let at = 0; at < bytes.length; at += readU32(bytes, at)) {
    found.push([readU16(bytes, at + 4), readU16(bytes, at + 6), readU32(bytes, at + 8)]);
  }
  return found;
};

const kernel = (...messages: readonly (readonly [type: number, flags: number, sequence: number, errno?: number])[]) => {
  const writer = new MessageWriter();
  for (const [type, flags, sequence, errno] of messages) {
    writer.begin(type, flags, sequence);
    if (type === ControlType.error) writeU32(writer.bytes, writer.take(4 + HEADER_BYTES), -(errno ?? 0));
    else if (errno !== undefined) writeU32(writer.bytes, writer.take(4), -errno);
    writer.end();
  }
  return writer.bytes.subarray(0, writer.length);
};

/** NLMSG_ERROR with or without the request in it, and attributes behind: words, a place, what is missing. */
const refusal = (flags: number, requestBytes: number): Uint8Array => {
  const writer = new MessageWriter();
  writer.begin(ControlType.error, flags, 1);
  const at = writer.take(4 + HEADER_BYTES + requestBytes);
  writeU32(writer.bytes, at, -22);
  writeU32(writer.bytes, at + 4, HEADER_BYTES + requestBytes);
  writer.text(1, 'no way');
  writer.u32(2, 36);
  writer.u32(5, 9);
  writer.u32(99, 1);
  writer.end();
  return writer.bytes.subarray(0, writer.length);
};

const begun = (count: number, flags = 0): { exchange: Exchange; refused: [number, Refusal][]; told: number[] } => {
  const exchange = new Exchange();
  const refused: [number, Refusal][] = [];
  const told: number[] = [];
  exchange.begin({
    refused: (refusal, request) => refused.push([request, refusal]),
    message: ({ type }) => told.push(type),
  });
  for (let i = 0; i < count; i++) exchange.add(RouteMessage.added, flags, (writer) => writeRoute(writer, newRoute()));
  return { exchange, refused, told };
};

test('of a batch only the last request asks for an acknowledgement, which ends it', () => {
  const { exchange, refused } = begun(3, Flag.create | Flag.replace);
  assert.equal(exchange.count, 3);
  assert.equal(exchange.isPending, false);
  const sent = requests(exchange.finish());
  const plain = Flag.request | Flag.create | Flag.replace;
  assert.deepEqual(sent, [
    [24, plain, 1],
    [24, plain, 2],
    [24, plain | Flag.ack, 3],
  ]);
  const first = kernel([ControlType.error, 0, 2, 17]);
  assert.equal(exchange.handle(first, first.length), undefined);
  assert.equal(exchange.isPending, true);
  const last = kernel([ControlType.error, 0, 3, 0]);
  assert.equal(exchange.handle(last, last.length), Outcome.done);
  assert.deepEqual(refused, [[1, { errno: 17 }]]);
  assert.equal(exchange.isPending, false);
});

test('the last request may be refused; the next batch has other numbers', () => {
  const { exchange, refused } = begun(1);
  exchange.finish();
  const no = kernel([ControlType.error, 0, 1, 22]);
  assert.equal(exchange.handle(no, no.length), Outcome.done);
  assert.deepEqual(refused, [[0, { errno: 22 }]]);
  exchange.begin({ refused: (_refusal, request) => refused.push([request, { errno: 0 }]) });
  exchange.add(RouteMessage.deleted, 0, () => {});
  exchange.add(RouteMessage.deleted, 0, () => {});
  assert.deepEqual(
    requests(exchange.finish()).map(([, , sequence]) => sequence),
    [2, 3],
  );
  // Late answers to what went before, and to what was never asked, count for nothing.
  const late = kernel([ControlType.error, 0, 1, 1], [ControlType.error, 0, 4, 1], [ControlType.error, 0, 0, 1]);
  assert.equal(exchange.handle(late, late.length), undefined);
  assert.equal(exchange.unexpected, 3);
  const both = kernel([ControlType.error, 0, 2, 3], [ControlType.error, 0, 3, 0], [ControlType.error, 0, 3, 9]);
  assert.equal(exchange.handle(both, both.length), Outcome.done);
  assert.deepEqual(refused, [
    [0, { errno: 22 }],
    [0, { errno: 0 }],
  ]);
});

const dumping = (told: number[], refused: Refusal[] = []): Exchange => {
  const exchange = new Exchange();
  exchange.begin({ message: ({ type }) => told.push(type), refused: (refusal) => refused.push(refusal) });
  exchange.add(RouteMessage.get, Flag.dump, () => {});
  assert.deepEqual(requests(exchange.finish()), [[26, Flag.request | Flag.dump, 1]]);
  return exchange;
};

test('a dump ends by itself, and says when it was interrupted', () => {
  const told: number[] = [];
  const exchange = dumping(told);
  const some = kernel([24, Flag.multi, 1], [24, Flag.multi, 1], [ControlType.noop, 0, 1]);
  assert.equal(exchange.handle(some, some.length), undefined);
  const end = kernel([24, Flag.multi, 1], [ControlType.done, Flag.multi, 1, 0]);
  assert.equal(exchange.handle(end, end.length), Outcome.done);
  assert.deepEqual(told, [24, 24, 24]);
  for (const flagged of [0, 1]) {
    const interrupted = dumping([]);
    const flags = [0, 1].map((i) => Flag.multi | (i === flagged ? Flag.dumpInterrupted : 0));
    const all = kernel([24, flags[0] as number, 1], [ControlType.done, flags[1] as number, 1, 0]);
    assert.equal(interrupted.handle(all, all.length), Outcome.interrupted);
  }
});

test('a dump may be refused, at its begin or its end', () => {
  for (const type of [ControlType.error, ControlType.done]) {
    const refused: Refusal[] = [];
    const no = kernel([type, 0, 1, 2]);
    assert.equal(dumping([], refused).handle(no, no.length), Outcome.done);
    assert.deepEqual(refused, [{ errno: 2 }]);
  }
  const silent = kernel([ControlType.done, 0, 1]);
  assert.equal(dumping([]).handle(silent, silent.length), Outcome.done);
});

test('a request for a new object with the bits of a dump is none; asked one by one, an object comes with its acknowledgement', () => {
  const { exchange } = begun(1, Flag.replace | Flag.exclusive);
  assert.deepEqual(requests(exchange.finish()), [[24, Flag.request | Flag.replace | Flag.exclusive | Flag.ack, 1]]);
  const told: number[] = [];
  exchange.begin({ message: ({ type }) => told.push(type) });
  exchange.add(LinkMessage.get, 0, () => {});
  assert.deepEqual(requests(exchange.finish()), [[18, Flag.request | Flag.ack, 2]]);
  const answer = kernel([16, 0, 2], [ControlType.error, Flag.capped, 2, 0]);
  assert.equal(exchange.handle(answer, answer.length), Outcome.done);
  assert.deepEqual(told, [16]);
});

test('what a refusal says is read where it lies, and only where there is any', () => {
  const said = { errno: 22, message: 'no way', offset: 36, missingType: 9 };
  for (const [flags, requestBytes, expected] of [
    [Flag.ackAttributes | Flag.capped, 0, said],
    [Flag.ackAttributes, 0, said],
    // The request is repeated, and its length is no multiple of 4.
    [Flag.ackAttributes, 11, said],
    [Flag.capped, 0, { errno: 22 }],
    [0, 12, { errno: 22 }],
  ] as const) {
    const { exchange, refused } = begun(1);
    exchange.finish();
    const no = refusal(flags, requestBytes);
    assert.equal(exchange.handle(no, no.length), Outcome.done);
    assert.deepEqual(refused, [[0, expected]]);
  }
  const done = new MessageWriter();
  done.begin(ControlType.done, Flag.multi, 1);
  writeU32(done.bytes, done.take(4), -5);
  done.text(1, 'not asked for');
  done.end();
  const told: Refusal[] = [];
  assert.equal(dumping([], told).handle(done.bytes, done.length), Outcome.done);
  assert.deepEqual(told, [{ errno: 5 }]);
});

test('a batch that is begun anew forgets what was pending: a dump, an interruption, a sink', () => {
  const told: number[] = [];
  const exchange = dumping(told);
  const some = kernel([24, Flag.multi | Flag.dumpInterrupted, 1]);
  assert.equal(exchange.handle(some, some.length), undefined);
  exchange.begin({});
  assert.deepEqual([exchange.isPending, exchange.count, exchange.bytes], [false, 0, 0]);
  const late = kernel([24, Flag.multi, 1], [ControlType.done, Flag.multi, 1, 0]);
  assert.equal(exchange.handle(late, late.length), undefined);
  exchange.add(RouteMessage.added, 0, () => {});
  assert.equal(exchange.bytes, HEADER_BYTES);
  assert.deepEqual(requests(exchange.finish()), [[24, Flag.request | Flag.ack, 2]]);
  const done = kernel([ControlType.error, 0, 2, 0]);
  assert.equal(exchange.handle(done, done.length), Outcome.done);
  assert.deepEqual(told, [24]);
});

test('of what was sent nothing is left once it is wiped: keys may be among it', () => {
  const { exchange } = begun(2);
  const sent = exchange.finish();
  assert.ok(sent.some((byte) => byte !== 0));
  exchange.wipe();
  assert.ok(sent.every((byte) => byte === 0));
});
