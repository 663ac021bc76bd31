import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Flows, Told } from './flows.ts';
import { Fragments } from './fragments.ts';
import { Mappings, NONE } from './mappings.ts';

/** Sessions of a mapping, from its first one on. */
const chainOf = (flows: Flows, first: number): number[] => {
  const chain: number[] = [];
  for (let flow = first; flow !== NONE; flow = flows.next(flow)) chain.push(flow);
  return chain;
};

interface Known {
  readonly mapping: number;
  readonly address: number;
  readonly port: number;
  state: number;
  told: number;
  expires: number;
  readonly began: number;
}

test('sessions are those of a list for each mapping, whichever ends, and slots that are free are used again', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'remove', 'set'),
    mapping: fc.nat(2),
    address: fc.constantFrom(0, 7, 0xc633_6401, 0xffff_ffff),
    port: fc.constantFrom(0, 443, 65_535),
    pick: fc.nat(200),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const flows = new Flows();
      const known = new Map<number, Known>();
      const firsts = [NONE, NONE, NONE];
      let most = 0;
      for (const [now, { what, mapping, address, port, pick }] of steps.entries()) {
        const slot = [...known.keys()][pick % Math.max(1, known.size)];
        if (what === 'add' && flows.find(mapping, address, port) === NONE) {
          const made = flows.add(mapping, firsts[mapping] as number, address, port, 1 + (pick % 6), now);
          assert.equal(known.has(made), false, 'nobody has that slot');
          firsts[mapping] = made;
          flows.set(made, 1 + (pick % 6), now + 9);
          known.set(made, {
            mapping,
            address,
            port,
            state: 1 + (pick % 6),
            told: Told.not,
            expires: now + 9,
            began: now,
          });
        } else if (what === 'remove' && slot !== undefined) {
          const { mapping: of } = known.get(slot) as Known;
          firsts[of] = flows.remove(slot, firsts[of] as number);
          known.delete(slot);
          assert.equal(flows.mapping(slot), NONE);
        } else if (what === 'set' && slot !== undefined) {
          flows.set(slot, 6, now);
          flows.setTold(slot, Told.yes);
          Object.assign(known.get(slot) as Known, { state: 6, expires: now, told: Told.yes });
        }
        most = Math.max(most, known.size);
      }
      assert.deepEqual([flows.size, flows.end], [known.size, most]);
      for (const [slot, one] of known) {
        const found = {
          ...{ mapping: flows.mapping(slot), address: flows.address(slot), port: flows.port(slot) },
          ...{
            state: flows.state(slot),
            told: flows.told(slot),
            expires: flows.expires(slot),
            began: flows.began(slot),
          },
        };
        assert.deepEqual(found, one);
        assert.equal(flows.find(one.mapping, one.address, one.port), slot);
      }
      for (const [mapping, first] of firsts.entries()) {
        const of = [...known].filter(([, one]) => one.mapping === mapping).map(([slot]) => slot);
        assert.deepEqual(chainOf(flows, first).sort(), of.sort());
      }
      assert.equal(flows.find(3, 7, 443), NONE);
    }),
    { numRuns: 60 },
  );
});

test('sessions keep all that they have while there come to be a thousand of them', () => {
  const flows = new Flows();
  let first = NONE;
  for (let i = 0; i < 1000; i++) {
    first = flows.add(i % 3, first, i, i, 1 + (i % 6), 5000 + i);
    flows.set(first, 1 + (i % 6), 9000 + i);
    flows.setTold(first, i % 2);
  }
  for (let i = 0; i < 1000; i++) {
    const slot = flows.find(i % 3, i, i);
    assert.deepEqual(
      [flows.state(slot), flows.began(slot), flows.expires(slot), flows.told(slot), flows.next(slot)],
      [1 + (i % 6), 5000 + i, 9000 + i, i % 2, i === 0 ? NONE : slot - 1],
    );
  }
  // From both ends and out of the middle.
  for (const slot of [999, 0, 500, 499, 501]) first = flows.remove(slot, first);
  assert.deepEqual(
    chainOf(flows, first),
    Array.from({ length: 1000 }, (_, i) => 999 - i).filter((slot) => ![999, 0, 500, 499, 501].includes(slot)),
  );
});

test('mappings are found by both ends, of their owner and protocol only, and slots that are free are used again', () => {
  const mappings = new Mappings();
  const all = Array.from({ length: 200 }, (_, i) => ({
    ...{
      owner: i % 2,
      protocol: i % 3 === 0 ? 6 : 17,
      address: 0x0a40_0000 + (i >> 4),
      inner: 40_000 + i,
      outer: 1024 + i,
    },
  }));
  const slots = all.map(({ owner, protocol, address, inner, outer }) =>
    mappings.add(owner, protocol, address, inner, outer),
  );
  assert.equal(new Set(slots).size, 200);
  for (const [i, slot] of slots.entries()) mappings.setFlow(slot, i);
  const check = (isThere: (i: number) => boolean): void => {
    for (const [i, { owner, protocol, address, inner, outer }] of all.entries()) {
      const expected = isThere(i) ? slots[i] : NONE;
      assert.equal(mappings.findInner(owner, protocol, address, inner), expected, `${i}`);
      assert.equal(mappings.findOuter(owner, protocol, outer), expected, `${i}`);
      const other = protocol === 6 ? 17 : 6;
      for (const found of [
        mappings.findInner(1 - owner, protocol, address, inner),
        mappings.findInner(owner, other, address, inner),
        mappings.findInner(owner, protocol, address + 1, inner),
        mappings.findOuter(1 - owner, protocol, outer),
        mappings.findOuter(owner, other, outer),
      ])
        assert.equal(found, NONE);
      if (expected === NONE) continue;
      const slot = expected as number;
      assert.deepEqual(
        [mappings.owner(slot), mappings.protocol(slot), mappings.address(slot), mappings.inner(slot)],
        [owner, protocol, address, inner],
      );
      assert.deepEqual([mappings.outer(slot), mappings.flow(slot)], [outer, i]);
    }
  };
  check(() => true);
  for (const [i, slot] of slots.entries()) if (i % 4 === 1) mappings.remove(slot);
  assert.equal(mappings.size, 150);
  const once = new Set(slots);
  check((i) => i % 4 !== 1);
  for (const [i, { owner, protocol, address, inner, outer }] of all.entries()) {
    if (i % 4 !== 1) continue;
    const slot = mappings.add(owner, protocol, address, inner, outer);
    assert.ok(once.has(slot) && mappings.flow(slot) === NONE);
    slots[i] = slot;
    mappings.setFlow(slot, i);
  }
  assert.equal(new Set(slots).size, 200);
  check(() => true);
});

test('a later fragment goes where its own first one went: source, destination and identification count', () => {
  const fragments = new Fragments();
  fragments.note(1, 2, 3, 7, 99, 10);
  for (const [source, destination, id] of [
    [9, 2, 3],
    [1, 9, 3],
    [1, 2, 9],
  ] as const)
    assert.equal(fragments.find(source, destination, id, 10), -1);
  assert.equal(fragments.find(1, 2, 3, 10), 7);
  // As many at once as there are places: by chance two of three find theirs.
  let found = 0;
  for (let id = 0; id < 512; id++) fragments.note(5, 6, id, id, 1, 20);
  for (let id = 0; id < 512; id++) if (fragments.find(5, 6, id, 20) === id) found++;
  assert.ok(found > 280 && found < 420, `${found}`);
});
