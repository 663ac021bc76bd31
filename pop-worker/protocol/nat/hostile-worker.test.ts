import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '#protocol/ip/view.ts';
import { Replicas } from './replicas.ts';
import { FlowState } from './tcp-state.ts';
import { scene } from './testing/nat.ts';
import type { FlowFields } from './told-session.ts';
import { readSections, SectionFlag, SectionWriter } from './wire.ts';

const FLOW: FlowFields = {
  ...{ protocol: Protocol.tcp, state: FlowState.established, innerAddress: 0x0a40_0002, innerPort: 40_001 },
  ...{ outerPort: 1025, remoteAddress: 0xc633_6401, remotePort: 443 },
};

test('a session that cannot be is refused, and counted: protocol, state, port of the block, two of one port', () => {
  for (const [what, wrong] of [
    ['a protocol that is not translated', { protocol: 47 }],
    ['no protocol', { protocol: 0 }],
    ['a state that there is not', { state: 7 }],
    ['a state of TCP', { protocol: Protocol.udp, remotePort: 0, state: FlowState.insideFin }],
    ['a filter by port of UDP', { protocol: Protocol.udp, state: FlowState.init }],
    ['a port before the block', { outerPort: 1023 }],
    ['a port behind the block', { outerPort: 1088 }],
  ] as const) {
    const { nat, one } = scene();
    assert.equal(nat.restore(one, { ...FLOW, ...wrong }), false, what);
    assert.deepEqual([nat.counters.refused, nat.flows.size, nat.mappings.size], [1, 0, 0], what);
  }
  const { nat, one } = scene();
  assert.equal(nat.restore(one, FLOW), true);
  assert.equal(nat.restore(one, { ...FLOW, innerPort: 7 }), false, 'another of its port');
  assert.equal(nat.restore(one, { ...FLOW, outerPort: 1026 }), false, 'another port of its');
  assert.equal(nat.restore(one, { ...FLOW, state: FlowState.bothFin }), true, 'the same again');
  assert.deepEqual([nat.flows.size, nat.flows.state(0)], [1, FlowState.bothFin]);
});

test('a device that is closed takes along all that others told of it: its number is as good as new', () => {
  const { nat, one } = scene();
  for (const protocol of [Protocol.icmp, Protocol.tcp, Protocol.udp, 47, 255]) {
    const remotePort = protocol === Protocol.tcp ? 443 : 0;
    for (let i = 0; i < 64; i++) nat.restore(one, { ...FLOW, protocol, remotePort, outerPort: 1024 + i, innerPort: i });
  }
  nat.close(one);
  assert.deepEqual([nat.mappings.size, nat.flows.size], [0, 0]);
  const again = nat.owners.open(0);
  nat.now = 10_000;
  nat.sweep(1000);
  assert.deepEqual([nat.owners.flowsOf(again), nat.owners.portsOf(again, Protocol.icmp)], [0, 0]);
});

test('devices without a session have their share of the memory too: names alone do not fill it', () => {
  const most = 1 << 16;
  const replicas = new Replicas(most);
  const writer = new SectionWriter();
  for (let n = 0; n < 10_000; n++) {
    writer.begin({ key: `red/${n}`, address: 1, port: 1024, ports: 64 }, SectionFlag.first | SectionFlag.last);
    const bytes = writer.take();
    readSections(bytes, 0, bytes.length, (section) => replicas.apply(section, bytes));
  }
  assert.ok(replicas.size <= 512, `${replicas.size} devices in ${most} bytes`);
  assert.equal(replicas.refused, 10_000 - replicas.size);
  for (const key of [...replicas.keys()]) replicas.forget(key);
  assert.deepEqual([replicas.bytes, replicas.size], [0, 0]);
});
