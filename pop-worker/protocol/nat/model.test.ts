import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readWord } from '#protocol/ip/checksum.ts';
import { isIntact } from '#protocol/ip/testing/packets.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { Protocol } from '#protocol/ip/view.ts';
import { NatDrop } from './counters.ts';
import { SlotIndex } from './slot-index.ts';
import { between, scene, viewOf } from './testing/nat.ts';

interface Step {
  readonly kind: 'out' | 'in' | 'wait';
  readonly owner: 0 | 1;
  readonly port: number;
  readonly remote: number;
  readonly seconds: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('out', 'out', 'in', 'in', 'wait'),
  owner: fc.constantFrom(0, 1),
  // More ports than a block has, few enough to meet again.
  port: fc.nat(99),
  remote: fc.nat(3),
  seconds: fc.nat(200),
});

/** What the translator does, of UDP, as maps would do it: no times, slots or lists. */
class Model {
  now = 0;
  readonly mappings = new Map<string, string>();
  readonly sessions = new Map<string, number>();

  expire(): void {
    for (const [key, until] of this.sessions) if (until <= this.now) this.sessions.delete(key);
    for (const inner of this.mappings.keys()) {
      if (![...this.sessions.keys()].some((key) => key.startsWith(`${inner} `))) this.mappings.delete(inner);
    }
  }

  innerOf(outer: string): string | undefined {
    return [...this.mappings].find(([, one]) => one === outer)?.[0];
  }
}

const remoteOf = (n: number): string => `198.51.100.${n + 1}`;
const endOf = (bytes: Uint8Array, at: number, portAt: number): string =>
  `${formatIpAddress(bytes.subarray(at, at + 4))}:${readWord(bytes, portAt)}`;

test("whatever comes, mappings and filters are those of maps: no port is two devices', none changes while it lasts", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const { nat, one, other } = scene();
      const owners = [one, other];
      const model = new Model();
      for (const { kind, owner, port, remote, seconds } of steps) {
        if (kind === 'wait') {
          model.now += seconds;
          nat.now = model.now;
          nat.sweep(10_000);
          model.expire();
        } else if (kind === 'out') {
          const ends = { source: '10.64.0.2', from: 5000 + port, destination: remoteOf(remote) };
          const bytes = between({ ...ends, protocol: Protocol.udp });
          const drop = nat.outbound(owners[owner] as number, bytes, viewOf(bytes));
          const inner = `${owner}:${port}`;
          const known = model.mappings.get(inner);
          if (
            known === undefined &&
            [...model.mappings.keys()].filter((key) => key.startsWith(`${owner}:`)).length === 64
          ) {
            assert.equal(drop, NatDrop.exhausted);
            continue;
          }
          assert.equal(drop, NatDrop.none);
          assert.ok(isIntact(bytes));
          const outer = endOf(bytes, 12, 20);
          if (known === undefined) assert.equal(model.innerOf(outer), undefined);
          else assert.equal(outer, known);
          model.mappings.set(inner, outer);
          model.sessions.set(`${inner} ${remote}`, model.now + 300);
        } else {
          const outerPort = 1024 + 64 * owner + (port % 64);
          const ends = { source: remoteOf(remote), destination: '203.0.113.16', to: outerPort };
          const bytes = between({ ...ends, protocol: Protocol.udp });
          const view = viewOf(bytes);
          assert.equal(nat.blockOf(bytes, view), owner);
          const drop = nat.find(owners[owner] as number, bytes, view);
          const inner = model.innerOf(`203.0.113.16:${outerPort}`);
          if (inner === undefined) assert.equal(drop, NatDrop.noMapping);
          else if (!model.sessions.has(`${inner} ${remote}`)) assert.equal(drop, NatDrop.filtered);
          else {
            assert.equal(drop, NatDrop.none);
            nat.admit(owners[owner] as number, bytes, view);
            assert.ok(isIntact(bytes));
            assert.equal(endOf(bytes, 16, 22), `10.64.0.2:${5000 + Number(inner.split(':')[1])}`);
            model.sessions.set(`${inner} ${remote}`, model.now + 300);
          }
        }
        assert.equal(nat.flows.size, model.sessions.size);
        assert.equal(nat.mappings.size, model.mappings.size);
      }
    }),
    { numRuns: 60 },
  );
});

test('an index of slots holds what was added and not removed, however hashes collide', () => {
  const changes = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -4, max: 4 }), fc.nat(40)), { maxLength: 400 });
  fc.assert(
    fc.property(changes, (list) => {
      const index = new SlotIndex(4);
      const model = new Set<string>();
      for (const [isAdded, hash, slot] of list) {
        const key = `${hash} ${slot}`;
        if (isAdded && !model.has(key)) {
          model.add(key);
          index.add(hash, slot);
        } else if (!isAdded) {
          model.delete(key);
          index.remove(hash, slot);
        }
      }
      const found = new Set<string>();
      for (let hash = -4; hash <= 4; hash++) {
        for (let at = index.first(hash); at >= 0; at = index.next(at, hash)) found.add(`${hash} ${index.slot(at)}`);
      }
      assert.deepEqual(found, model);
      assert.equal(index.size, model.size);
    }),
  );
});
