import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DeadlineHeap, type HeapEntry } from './deadline-heap.ts';

const NEVER = Number.POSITIVE_INFINITY;

describe('deadline heap', () => {
  it('always knows the earliest of all deadlines', () => {
    const steps = fc.array(fc.tuple(fc.nat(30), fc.option(fc.nat(1000))), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (sets) => {
        const heap = new DeadlineHeap<HeapEntry>();
        const entries = Array.from({ length: 31 }, () => ({ heapIndex: -1, heapKey: NEVER }));
        const model = new Map<HeapEntry, number>();
        for (const [i, deadline] of sets) {
          const entry = entries[i] as HeapEntry;
          heap.set(entry, deadline ?? NEVER);
          if (deadline === null) model.delete(entry);
          else model.set(entry, deadline);
          assert.equal(heap.first, Math.min(NEVER, ...model.values()));
          assert.equal(heap.size, model.size);
        }
        const order: number[] = [];
        for (let first = heap.peek; first !== undefined; first = heap.peek) {
          order.push(first.heapKey);
          heap.set(first, NEVER);
        }
        assert.deepEqual(
          order,
          [...model.values()].sort((a, b) => a - b),
        );
      }),
    );
  });
});
