import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum, writeWord } from '#protocol/ip/checksum.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { NatDrop } from './counters.ts';
import { Replicas } from './replicas.ts';
import { between, scene } from './testing/nat.ts';
import type { FlowFields } from './told-session.ts';
import { FLOW_BYTES, readFlow, readSections } from './wire.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));

/** Length and header checksum as they must be, so that changed packets get past the front door. */
const repaired = (bytes: Uint8Array): IpView | undefined => {
  if (bytes.length < 20) return undefined;
  bytes[0] = 0x40 | Math.max(5, (bytes[0] as number) & 15);
  writeWord(bytes, 2, bytes.length);
  writeWord(bytes, 10, 0);
  writeWord(bytes, 10, checksum(bytes, 0, Math.min(((bytes[0] as number) & 15) * 4, bytes.length)));
  const view = new IpView();
  return view.parse(bytes, 0, bytes.length) === IpFault.none ? view : undefined;
};

const nameOf = (drop: NatDrop): string => Object.entries(NatDrop).find(([, value]) => value === drop)?.[0] ?? '';

/** As after one TCP, UDP and ICMP session of 10.64.0.2 at port 1025 with 203.0.113.200. */
const used = () => {
  const made = scene();
  for (const protocol of [1, 6, 17]) {
    const bytes = between({
      source: '10.64.0.2',
      destination: '203.0.113.200',
      from: 40_001,
      to: protocol === 1 ? 8 : 443,
      protocol,
    });
    const view = repaired(bytes);
    assert.equal(view && made.nat.outbound(made.one, bytes, view), NatDrop.none);
  }
  return made;
};

test('packets', () => {
  for (const { name, bytes, expect } of corpus<{ readonly out: string; readonly in: string }>('packets')) {
    const { nat, one } = used();
    const [up, down] = [bytes.slice(), bytes.slice()];
    const [upView, downView] = [repaired(up), repaired(down)];
    assert.ok(upView && downView, name);
    const found = { out: nameOf(nat.outbound(one, up, upView)), in: nameOf(nat.find(one, down, downView)) };
    assert.deepEqual(found, expect, name);
  }
});

test('whatever comes, a packet is translated as a whole or left as it is, and its header stays right', () => {
  survive(corpus('packets'), (input) => {
    const { nat, one, pool } = used();
    for (const way of ['out', 'in'] as const) {
      const bytes = input.slice();
      const view = repaired(bytes);
      if (view === undefined) continue;
      const before = bytes.slice();
      const block = nat.blockOf(bytes, view);
      assert.ok(block >= -1 && block < pool.blocks);
      const drop = way === 'out' ? nat.outbound(one, bytes, view) : nat.find(one, bytes, view);
      if (way === 'in') assert.deepEqual(bytes, before);
      if (way === 'in' && drop === NatDrop.none) nat.admit(one, bytes, view);
      if (drop === NatDrop.none) assert.equal(new IpView().parse(bytes, 0, bytes.length), IpFault.none);
      else assert.deepEqual(bytes, before);
    }
    assert.ok(nat.mappings.size <= nat.flows.size);
  });
});

test('messages', () => {
  const read = (bytes: Uint8Array): string => {
    const seen: string[] = [];
    const isGood = readSections(bytes, 0, bytes.length, ({ key, flags, count }) =>
      seen.push(`${key} ${flags} ${count}`),
    );
    return isGood ? seen.join(', ') : 'refused';
  };
  for (const { name, bytes, expect } of corpus<string>('messages')) assert.equal(read(bytes), expect, name);
  survive(corpus('messages'), (bytes) => {
    const replicas = new Replicas(1 << 16);
    readSections(bytes, 0, bytes.length, (section) => replicas.apply(section, bytes));
    for (const key of replicas.keys()) replicas.tellAll(key, (message) => assert.notEqual(read(message), 'refused'));
    assert.ok(replicas.bytes <= 1 << 16);
  });
});

test('whatever sessions others tell, a device that is closed leaves none, and its packets are translated meanwhile', () => {
  survive(corpus('messages'), (bytes) => {
    const { nat, one } = scene();
    const flow: FlowFields = {
      ...{ protocol: 0, state: 0, innerAddress: 0, innerPort: 0, outerPort: 0, remoteAddress: 0, remotePort: 0 },
    };
    let sessions = 0;
    readSections(bytes, 0, bytes.length, ({ at, count }) => {
      for (let i = 0; i < count; i++) {
        readFlow(bytes, at + i * FLOW_BYTES, flow);
        nat.restore(one, flow);
        sessions++;
      }
    });
    assert.equal(nat.counters.restored + nat.counters.refused, sessions);
    assert.ok(nat.mappings.size <= nat.flows.size && nat.flows.size <= nat.counters.restored);
    const packet = between({ source: '10.64.0.2', destination: '203.0.113.200', from: 40_001, flags: 2 });
    const view = repaired(packet);
    assert.equal(view && nat.outbound(one, packet, view), NatDrop.none);
    nat.close(one);
    assert.deepEqual([nat.mappings.size, nat.flows.size], [0, 0]);
  });
});
