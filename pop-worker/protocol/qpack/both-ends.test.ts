import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Field, Fields } from './field.ts';
import { isNeverIndexed } from './section-encoder.ts';
import { TwoEnds } from './testing/two-ends.ts';

const received = (fields: Fields): Fields =>
  fields.map((field): Field => (isNeverIndexed(field) ? { ...field, sensitive: true } : field));

/** Few names and values, so that they repeat; of all sizes, so that tables fill up. */
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record(
    {
      name: fc.constantFrom('x-a', 'x-b', ':path', 'a-name-that-is-rather-long-for-a-name', 'user-agent', 'cookie'),
      value: fc.oneof(
        fc.constantFrom('', 'short', 'value of some length', 'v'.repeat(60), 'w'.repeat(300)),
        fc.nat(6).map((n) => `number ${n}`),
      ),
    },
    { noNullPrototype: true },
  ),
  fc.constantFrom<Field>(
    { name: ':method', value: 'GET' },
    { name: ':status', value: '200' },
    { name: 'x-a', value: 'secret', sensitive: true },
    { name: 'authorization', value: 'Bearer of some token' },
  ),
);

type Step =
  | { readonly kind: 'send'; readonly stream: number; readonly fields: Fields }
  | { readonly kind: 'section'; readonly stream: number }
  | { readonly kind: 'cancel'; readonly stream: number }
  | { readonly kind: 'instructions'; readonly bytes: number }
  | { readonly kind: 'acknowledgments'; readonly bytes: number };

const stream = fc.nat(5).map((n) => 4 * n);
const send = fc.record({
  kind: fc.constant('send' as const),
  stream,
  fields: fc.array(field, { maxLength: 8, size: 'max' }),
});
const section = fc.record({ kind: fc.constant('section' as const), stream });
const bytes = fc.oneof(fc.nat(20), fc.constant(10_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: send, weight: 4 },
  { arbitrary: section, weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('cancel' as const), stream }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('instructions' as const), bytes }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('acknowledgments' as const), bytes }), weight: 4 },
);

const steps = fc.array(step, { minLength: 30, maxLength: 150, size: 'max' });

/** Plays the steps, then lets everything arrive. Whatever an end finds wrong with the other throws. */
const play = (ends: TwoEnds, steps: readonly Step[], check: () => void = () => {}): Map<number, Fields[]> => {
  const sent = new Map<number, Fields[]>();
  /** A stream that was given up has a successor. */
  const successors = new Map<number, number>();
  for (const one of steps) {
    const id = 'stream' in one ? (successors.get(one.stream) ?? one.stream) : 0;
    if (one.kind === 'instructions') ends.deliverInstructions(one.bytes);
    else if (one.kind === 'acknowledgments') ends.deliverAcknowledgments(one.bytes);
    else if (one.kind === 'section') ends.deliverSection(id);
    else if (one.kind === 'send') {
      ends.send(id, one.fields);
      sent.set(id, [...(sent.get(id) ?? []), received(one.fields)]);
    } else {
      ends.cancel(id);
      sent.set(id, (sent.get(id) ?? []).slice(0, ends.decoded.get(id)?.length ?? 0));
      successors.set(one.stream, id + 24);
    }
    check();
  }
  ends.settle();
  return sent;
};

const capacity = fc.oneof(
  { arbitrary: fc.constantFrom(0, 31, 32, 33, 64), weight: 1 },
  { arbitrary: fc.integer({ min: 60, max: 600 }), weight: 4 },
  { arbitrary: fc.constantFrom(220, 1000, 4096), weight: 4 },
);
const limits = fc.record({
  allowed: capacity,
  used: capacity,
  blockedStreams: fc.constantFrom(0, 1, 2, 4),
  risked: fc.constantFrom(0, 1, 2, 4),
});

test('whatever comes late on whichever stream, what was sent is what is read, and nobody waits beyond the limit', () => {
  let references = 0;
  let blocked = 0;
  fc.assert(
    fc.property(limits, steps, (chosen, played) => {
      const ends = new TwoEnds(chosen);
      const sent = play(ends, played, () => {
        assert.ok(ends.decoder.table.size <= Math.min(chosen.allowed, chosen.used), 'the decoder keeps no more');
        assert.ok(ends.encoder.tableBytes <= Math.min(chosen.allowed, chosen.used), 'nor does the encoder');
      });
      for (const [id, sections] of sent) assert.deepEqual(ends.decoded.get(id) ?? [], sections);
      assert.equal(ends.blocked.size, 0, 'nobody waits any more');
      assert.ok(ends.mostBlocked <= Math.min(chosen.blockedStreams, chosen.risked));
      assert.equal(ends.encoder.inserted, ends.decoder.table.inserted);
      assert.equal(ends.encoder.tableBytes, ends.decoder.table.size);
      references += ends.decoder.references;
      blocked += ends.decoder.blockedTotal;
    }),
    { numRuns: 400 },
  );
  assert.ok(references > 300 && blocked > 5, `${references} references, ${blocked} sections waited`);
});

test('without leave to wait, no section needs an entry that was not acknowledged', () => {
  fc.assert(
    fc.property(limits, steps, (chosen, played) => {
      const ends = new TwoEnds({ ...chosen, risked: 0, blockedStreams: 4 });
      play(ends, played);
      assert.equal(ends.decoder.blockedTotal, 0);
    }),
    { numRuns: 300 },
  );
});

test('a decoder that tells nothing back, and one that was told nothing, cost no more than the static table', () => {
  fc.assert(
    fc.property(fc.array(send, { maxLength: 20, size: 'max' }), (sends) => {
      const ends = new TwoEnds();
      const plain = new TwoEnds({ allowed: 0 });
      for (const { stream: id, fields } of sends) {
        assert.deepEqual(ends.send(id, fields), plain.send(id, fields));
      }
    }),
  );
});
