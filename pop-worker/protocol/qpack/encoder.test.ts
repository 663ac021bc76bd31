import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QpackEncoder } from './encoder.ts';
import { EntryPolicy } from './entry-policy.ts';
import type { Field, Fields } from './field.ts';
import { fieldSectionBound } from './section-encoder.ts';
import { hex, toHex } from './testing/hex.ts';
import { TwoEnds } from './testing/two-ends.ts';

const of = (...pairs: readonly (readonly [string, string])[]): Fields =>
  pairs.map(([name, value]) => ({ name, value }));
const AGENT = of(['user-agent', 'an agent of some length']);

/** An encoder alone, with what it says and what it is told by hand. */
const alone = (options: { capacity?: number; used?: number; blockedStreams?: number; risked?: number } = {}) => {
  const { capacity = 4096, used = 4096, blockedStreams = 16, risked = 16 } = options;
  const said: string[] = [];
  const state = { waiting: 0 };
  const encoder = new QpackEncoder({
    tableCapacity: used,
    blockedStreams: risked,
    output: { send: (bytes) => void said.push(toHex(bytes)), waiting: () => state.waiting },
  });
  encoder.start(capacity, blockedStreams);
  const encode = (stream: number, fields: Fields): string => {
    const out = new Uint8Array(fieldSectionBound(fields));
    return toHex(out.subarray(0, encoder.encode(stream, fields, out, 0)));
  };
  const tell = (text: string) => encoder.acknowledgments.push(hex(text), 0, hex(text).length);
  return { encoder, said, state, encode, tell };
};

const decoderStreamError = { name: 'QpackError', code: 0x202, fault: 'remote' };

test('a field gets an entry when it comes the second time, and is referred to once that is acknowledged', () => {
  const { said, encode, tell, encoder } = alone();
  const literal = encode(0, AGENT);
  assert.deepEqual([literal.slice(0, 4), said], ['0000', []]);
  assert.equal(encode(4, AGENT), literal, 'the first flight waits for nothing');
  assert.deepEqual(
    said.splice(0).map((one) => one.slice(0, 6)),
    ['3fe11f', 'ff2090'],
    'capacity 4096, user-agent',
  );
  assert.equal(encode(8, AGENT), literal);
  assert.deepEqual(said, [], 'no entry twice');
  tell('01');
  assert.equal(encode(12, AGENT), '020080');
  assert.equal(encoder.references, 1);
});

test('later on, entries on their way are referred to by as many streams as may wait (RFC 9204 §2.1.2)', () => {
  for (const limits of [
    { risked: 2, blockedStreams: 16 },
    { risked: 16, blockedStreams: 2 },
  ]) {
    const { encode, tell } = alone(limits);
    encode(0, AGENT);
    encode(0, AGENT);
    tell('01');
    encode(0, of(['x-new', 'value']));
    const waits = (stream: number) => encode(stream, of(['x-new', 'value'])).startsWith('03');
    assert.deepEqual([4, 8, 12, 8].map(waits), [true, true, false, true], 'a stream that waits may wait twice');
    tell('84');
    assert.equal(waits(12), true, 'an acknowledgment of a section is one of its entry');
  }
});

test('a peer that acknowledges only sections is asked by one of them, when the first flight is over', () => {
  const { encode, tell } = alone();
  for (let stream = 0; stream < 4 * 102; stream += 4) assert.ok(encode(stream, AGENT).startsWith('0000'));
  assert.equal(encode(408, AGENT), '020080');
  assert.ok(encode(412, AGENT).startsWith('0000'), 'not by two');
  tell('ff9902');
  assert.equal(encode(416, AGENT), '020080');
  const never = alone({ blockedStreams: 0 });
  for (let stream = 0; stream < 4 * 110; stream += 4) assert.ok(never.encode(stream, AGENT).startsWith('0000'));
});

test('what its owner calls sensitive, credentials and short cookies never get an entry (RFC 9204 §7.1.3)', () => {
  const { said, encode, tell } = alone();
  const secrets: Field[] = [
    { name: 'x-secret', value: 'of some length', sensitive: true },
    { name: 'authorization', value: 'Bearer of some length' },
    { name: 'proxy-authorization', value: 'Basic of some length' },
    { name: 'set-cookie', value: 'session=of-some-length-and-more' },
    { name: 'cookie', value: 'n'.repeat(19) },
  ];
  for (const secret of secrets) {
    const sections = [0, 4, 8].map((stream) => encode(stream, [secret]));
    assert.deepEqual([new Set(sections).size, said], [1, []], secret.name);
    // RFC 9204 §4.5.4: 01N…; §4.5.6: 001N…
    const first = Number.parseInt(sections[0]?.slice(4, 6) ?? '', 16);
    assert.equal(first & (first >= 0x40 ? 0x20 : 0x10), first >= 0x40 ? 0x20 : 0x10, secret.name);
  }
  const cookie = of(['cookie', 'n'.repeat(20)]);
  for (const stream of [0, 4]) encode(stream, cookie);
  tell('01');
  assert.equal(encode(8, cookie), '020080', 'a cookie that nobody guesses is one');
});

test('no entry for what would not pay', () => {
  const { said, encode } = alone({ capacity: 400 });
  for (const fields of [
    of([':method', 'GET']),
    of(['age', '12']),
    of(['x-large', 'v'.repeat(400 / 2 - 32 - 7 + 1)]),
    of(['date', 'Sat, 28 Nov 2026 13:00:00 GMT']),
  ]) {
    encode(0, fields);
    if (fields[0]?.name !== 'date') encode(0, fields);
  }
  assert.deepEqual(said, []);
  for (let i = 0; i < 2; i++) encode(0, of(['x-large', 'v'.repeat(400 / 2 - 32 - 7)], ['age', '123']));
  assert.equal(said.length, 3, 'a capacity and two entries');
});

test('the 128 fields that came last are remembered', () => {
  const { said, encode } = alone();
  for (let i = 0; i < 129; i++) encode(0, of(['x-many', `value ${i}`]));
  encode(0, of(['x-many', 'value 1']));
  assert.equal(said.length, 2);
  encode(0, of(['x-many', 'value 0']));
  assert.equal(said.length, 2, 'forgotten');
});

test('what differs is not taken for what came before', () => {
  const policy = new EntryPolicy();
  const alike = ['ab', 'ba', 'a', 'b', ''].flatMap((name) =>
    Array.from({ length: 25 }, (_, i) => ({ name, value: `${'a'.repeat(i % 5)}${'b'.repeat(Math.floor(i / 5))}` })),
  );
  assert.deepEqual(
    alike.filter((field) => policy.isWorthAnEntry(field, 4096)),
    [],
  );
  assert.equal(alike.filter((field) => policy.isWorthAnEntry(field, 4096)).length, alike.length);
});

test('relative indices of any size', () => {
  const ends = new TwoEnds();
  const entry = (n: number) => of([`x-${n}`, 'some value']);
  for (let n = 0; n < 75; n++) for (let i = 0; i < 2; i++) ends.send(0, entry(n));
  ends.settle();
  ends.bytes.instructions = 0;
  const sent = [of(['x-0', 'new'], ['x-74', 'some value']), entry(0), of(['x-55', 'new'], ['x-74', 'some value'])];
  for (const fields of sent) ends.send(4, fields);
  ends.settle();
  assert.deepEqual(ends.decoded.get(4), sent);
  assert.equal(ends.bytes.instructions, 0);
});

test('a name is referred to when its value is new, unless the static table has it', () => {
  const { said, encode, tell } = alone();
  for (const stream of [0, 4]) encode(stream, of(['x-name', 'value'], ['user-agent', 'some agent']));
  tell('02');
  // Entry 0 is x-name: required insert count 1, relative index 0.
  assert.equal(encode(8, of(['x-name', '%%'])), '020040022525');
  assert.ok(encode(12, of(['user-agent', '%%%'])).startsWith('0000'));
  said.length = 0;
  encode(16, of(['x-name', '%%']));
  assert.deepEqual(said, ['81022525'], 'also by an entry, whose newest is the agent');
});

test('nothing is inserted while much waits on the encoder stream (RFC 9204 §2.1.3)', () => {
  const { said, state, encode } = alone();
  state.waiting = 2049;
  for (const stream of [0, 4, 8]) encode(stream, AGENT);
  assert.deepEqual(said, []);
  state.waiting = 2048;
  encode(12, AGENT);
  assert.equal(said.length, 2);
});

test('a peer that allows no table, or none of use, is told nothing (RFC 9204 §3.2.3)', () => {
  for (const options of [{ capacity: 0 }, { capacity: 31 }, { used: 0 }, { used: 31 }]) {
    const { said, encode, encoder } = alone(options);
    for (const stream of [0, 4, 8]) encode(stream, of(['', '']));
    assert.deepEqual([said, encoder.inserted, encoder.tableBytes], [[], 0, 0]);
  }
  const before = new QpackEncoder({
    tableCapacity: 4096,
    blockedStreams: 16,
    output: { send: () => assert.fail('nothing may be said'), waiting: () => 0 },
  });
  for (let i = 0; i < 3; i++) before.encode(0, AGENT, new Uint8Array(200), 0);
});

test('the smaller of both capacities is set, the required insert count is of what the decoder allows', () => {
  const { said, encode, tell } = alone({ capacity: 100, used: 90 });
  const small = of(['x-small', 'y']);
  for (const stream of [0, 4]) encode(stream, small);
  assert.deepEqual([said.length, said[0]], [2, '3f3b']);
  tell('01');
  assert.equal(encode(0, small), '020080');
  // Six more, of which each drives out another: the count is told modulo six.
  for (let n = 0; n < 6; n++) {
    tell('80');
    encode(4, of(['x-small', `${n}`]));
    tell('84');
    encode(8, of(['x-small', `${n}`]));
    tell('88');
    assert.equal(encode(0, of(['x-small', `${n}`])), `0${((n + 2) % 6) + 1}0080`);
  }
});

test('what came before the settings counts as having come', () => {
  const said: number[] = [];
  const encoder = new QpackEncoder({
    tableCapacity: 4096,
    blockedStreams: 16,
    output: { send: (bytes) => void said.push(bytes.length), waiting: () => 0 },
  });
  const encode = () =>
    encoder.encode(0, [...AGENT, { name: 'x', value: 'y', sensitive: true }], new Uint8Array(200), 0);
  encode();
  assert.deepEqual(said, []);
  encoder.start(4096, 0);
  encode();
  assert.equal(said.length, 2, 'a capacity and an entry');
});

test('what cannot be right on the decoder stream is QPACK_DECODER_STREAM_ERROR (RFC 9204 §4.4)', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['01', undefined],
    ['02', 'more than was inserted'],
    ['0101', 'more than was inserted, at the second time'],
    ['00', 'increment of 0'],
    ['80', 'no section with references'],
    ['84', 'no such stream'],
    ['44', undefined],
  ];
  for (const [text, wrong] of table) {
    const { encode, tell } = alone();
    for (const stream of [0, 4]) encode(stream, AGENT);
    if (wrong === undefined) tell(text);
    else assert.throws(() => tell(text), decoderStreamError, wrong);
  }
  const { encode, tell } = alone();
  for (const stream of [0, 4]) encode(stream, AGENT);
  tell('01');
  encode(8, AGENT);
  encode(8, AGENT);
  tell('8888');
  assert.throws(() => tell('88'), decoderStreamError, 'both are acknowledged');
  encode(8, AGENT);
  tell('48');
  assert.throws(() => tell('88'), decoderStreamError, 'after a cancellation');
});

test('an entry that a section on its way refers to stays, and one that was not acknowledged too (RFC 9204 §2.1.1)', () => {
  const entry = (n: number) => of([`x-${n}`, 'v'.repeat(30)]);
  // 65 bytes each: three fit, and none is draining before the third.
  const { encode, encoder, tell } = alone({ capacity: 200, used: 200, risked: 0 });
  const insert = (n: number): number => {
    const before = encoder.inserted;
    encode(100, entry(n));
    encode(100, entry(n));
    return encoder.inserted - before;
  };
  assert.deepEqual([1, 2, 3].map(insert), [1, 1, 1]);
  assert.equal(insert(4), 0, 'none is acknowledged');
  tell('02');
  assert.equal(encode(8, entry(2)).slice(0, 2), '03');
  assert.equal(insert(5), 1, 'the first goes');
  assert.equal(insert(6), 0, 'the second is referred to');
  tell('88');
  assert.equal(insert(7), 1);
  assert.equal(insert(8), 0, 'the third is not acknowledged');
});

test('an entry about to go is inserted again instead of referred to (RFC 9204 §2.1.1.1)', () => {
  const ends = new TwoEnds({ allowed: 400, used: 400 });
  const entry = (n: number) => of([`x-${n}`, 'v'.repeat(30)]);
  // Six of 65 bytes: the oldest lies in the last eighth.
  for (let n = 0; n < 6; n++) for (const stream of [0, 4]) ends.send(stream, entry(n));
  ends.settle();
  const { inserted } = ends.encoder;
  assert.equal(inserted, 6);
  ends.bytes.instructions = 0;
  ends.send(8, entry(1));
  assert.equal(ends.encoder.inserted, 6, 'the second is not about to go');
  ends.send(8, entry(0));
  assert.deepEqual([ends.encoder.inserted, ends.bytes.instructions], [7, 1], 'a byte says it');
  assert.equal(ends.encoder.tableBytes, 6 * 65, 'the original is gone');
  ends.settle();
  assert.deepEqual(ends.decoded.get(8), [entry(1), entry(0)]);
});

test('a peer that acknowledges no section is sent literals after 256 of them', () => {
  const { encode, tell } = alone();
  for (const stream of [0, 4]) encode(stream, AGENT);
  tell('01');
  for (let i = 0; i < 256; i++) assert.equal(encode(8, AGENT), '020080');
  const literal = encode(8, AGENT);
  assert.ok(literal.startsWith('0000'));
  tell('88');
  assert.equal(encode(8, AGENT), '020080');
});

test('a section of any number of fields', () => {
  const ends = new TwoEnds();
  const fields = of(...Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'value'] as const));
  for (let i = 0; i < 4; i++) {
    ends.send(4 * i, fields);
    ends.settle();
    assert.deepEqual(ends.decoded.get(4 * i), [fields]);
  }
  assert.ok(ends.encoder.references >= 150, `${ends.encoder.references} references`);
});
