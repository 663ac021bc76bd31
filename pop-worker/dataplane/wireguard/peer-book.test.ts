import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '#host/random/random.ts';
import { nodePorts } from '#host/wireguard/ports.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { PeerBook } from './peer-book.ts';

const key = (fill: number): Uint8Array => rawPublicKey(privateKeyOf(new Uint8Array(32).fill(fill)));

const record = (number: number, more: Partial<WireGuardPeer> = {}): WireGuardPeer => ({
  ...{ tenant: 'red', device: `d${number}`, number, publicKey: key(number), egress: true },
  ...{ sources: [`10.64.0.${number}/32`, `fd00:1::${number}/128`], ...more },
});

const scene = () => {
  const core = new WireGuard({
    ...{ privateKey: new Uint8Array(32).fill(200), ports: nodePorts(), random: systemRandom, isRoutedByCaller: true },
    unixUs: () => 0,
    sink: { packets: () => {}, confirmed: () => {}, moved: () => {} },
  });
  const barred = new Set<string>();
  const gone: number[] = [];
  const reasons: string[] = [];
  const changed: number[] = [];
  const book = new PeerBook({
    ...{ core, begins: true },
    isBarred: ({ tenant, device }) => barred.has(tenant) || barred.has(device),
    gone: ({ record: { number } }, reason) => {
      gone.push(number);
      reasons.push(reason);
    },
    changed: ({ record: { number } }) => void changed.push(number),
  });
  let told: readonly WireGuardPeer[] = [];
  /** These are all that there are. */
  const set = (changed: readonly WireGuardPeer[]): void => {
    const removed = told.filter((one) => !changed.some(({ number }) => number === one.number));
    told = changed;
    book.change({ changed, removed: removed.map(({ number }) => number) });
    while (book.addSome(2));
  };
  const review = (tenant?: string): void => {
    book.review(tenant);
    while (book.addSome(2));
  };
  const numbers = () => [...core.peers].map(({ number }) => number).toSorted((a, b) => a - b);
  return { core, book, set, review, barred, gone, reasons, changed, numbers };
};

test('peers come, go and are changed; those that are as before are left alone', () => {
  const { core, book, set, gone, numbers } = scene();
  set([record(1), record(2), record(3)]);
  assert.deepEqual(numbers(), [1, 2, 3]);
  const [one, two] = [core.peer(key(1)), core.peer(key(2))];
  set([record(1), record(2, { presharedKey: new Uint8Array(32).fill(1) }), record(4)]);
  assert.deepEqual([numbers(), gone], [[1, 2, 4], [3]]);
  assert.equal(core.peer(key(1)), one);
  assert.equal(core.peer(key(2)), two, 'another preshared key is no other peer');
  for (const change of [
    { sources: ['10.64.0.9/32'] },
    { sources: ['10.64.0.1/32'] },
    { tenant: 'blue' },
    { device: 'x' },
    { publicKey: key(9) },
  ]) {
    gone.length = 0;
    set([record(1, change), record(2), record(4)]);
    assert.deepEqual(gone, [1], JSON.stringify(change));
    set([record(1), record(2), record(4)]);
  }
  assert.deepEqual([book.refused, book.size], [0, 3]);
  assert.deepEqual(book.get(4)?.admitted.ipv6, 'fd00:1::4');
  // Two that change numbers, and keys.
  set([record(1, { publicKey: key(2) }), record(2, { publicKey: key(1) })]);
  assert.deepEqual([numbers(), book.refused], [[1, 2], 0]);
  assert.equal(core.peer(key(2))?.number, 1);
});

test('the preshared key of a record that cannot be used is wiped, and the one before stays', () => {
  const { core, set } = scene();
  const [first, second] = [7, 8].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
  set([record(1, { presharedKey: first })]);
  set([record(1, { presharedKey: second, endpoint: { address: 'host', port: 1 } })]);
  assert.deepEqual([first[0], second[0]], [7, 0]);
  assert.ok(core.peer(key(1)));
});

test('only another key, tenant, device or address of its own makes another peer; whoever ends is told why', () => {
  const { core, book, set, review, barred, gone, reasons, changed } = scene();
  set([record(1), record(2)]);
  const peer = core.peer(key(1));
  const own = record(1).sources;
  for (const change of [
    { egress: false },
    { keepaliveSeconds: 20 },
    { endpoint: { address: '192.0.2.7', port: 51_820 } },
    { site: 'berlin' },
    { site: 'berlin', metric: 9 },
    { site: 'berlin', metric: 9, probe: '10.65.0.1' },
    { sources: [...own, '10.65.0.0/24'] },
    { sources: [...own].reverse() },
    {},
  ]) {
    changed.length = 0;
    set([record(1, change), record(2)]);
    assert.deepEqual([gone, changed.includes(1), book.refused], [[], true, 0], JSON.stringify(change));
    assert.equal(core.peer(key(1)), peer);
    const known = book.get(1) ?? assert.fail();
    assert.deepEqual(known.record, record(1, change));
    const { egress, sources } = known.admitted;
    assert.deepEqual([egress, sources.length], [change.egress ?? true, (change.sources ?? own).length]);
  }
  changed.length = 0;
  set([record(1, { endpoint: { address: 'host', port: 1 } }), record(2)]);
  assert.deepEqual([gone, changed, book.refused], [[], [2], 1], 'what is no endpoint changes nothing');
  set([record(1, { device: 'x' }), record(2, { sources: ['none'] })]);
  assert.deepEqual(
    [gone, reasons],
    [
      [1, 2],
      ['changed', 'changed'],
    ],
  );
  set([record(1), record(2)]);
  reasons.length = 0;
  set([record(1)]);
  barred.add('red');
  review();
  assert.deepEqual(reasons, ['revoked', 'revoked']);
});

test('what cannot be a peer is counted, and hinders no other', () => {
  const { book, set, numbers } = scene();
  const lowOrder = new Uint8Array(32);
  set([
    record(1),
    record(2, { publicKey: lowOrder }),
    record(3, { publicKey: key(1) }),
    record(4, { sources: ['none'] }),
    record(5, { publicKey: new Uint8Array(31) }),
    record(2 ** 24),
    record(6, { endpoint: { address: 'host', port: 1 } }),
    record(7),
    record(8, { presharedKey: new Uint8Array(1) }),
    record(9),
    record(10),
  ]);
  assert.deepEqual(numbers(), [1, 7, 9, 10]);
  assert.equal(book.refused, 7);
  set([record(1), record(10)]);
  assert.deepEqual([numbers(), book.refused], [[1, 10], 0]);
  set([record(1, { presharedKey: new Uint8Array(31) }), record(10)]);
  assert.deepEqual([numbers(), book.refused], [[1, 10], 1]);
});

test('who may not come is no peer of the core’s until it may again', () => {
  const { book, set, review, barred, gone, numbers } = scene();
  barred.add('d5');
  set([record(1), record(2), record(3, { tenant: 'blue' }), record(5, { publicKey: new Uint8Array(32) })]);
  assert.deepEqual([book.size, book.refused], [4, 0]);
  barred.delete('d5');
  barred.add('d1');
  review('red');
  assert.deepEqual([numbers(), book.size, book.refused], [[2, 3], 3, 1], 'what is no key shows once it may come');
  barred.delete('d1');
  review('red');
  gone.length = 0;
  barred.add('d1');
  review('blue');
  assert.deepEqual(numbers(), [1, 2, 3]);
  review('red');
  assert.deepEqual([numbers(), gone, book.size], [[2, 3], [1], 3]);
  set([record(1, { presharedKey: new Uint8Array(32) }), record(2), record(3, { tenant: 'blue' }), record(4)]);
  assert.deepEqual(numbers(), [2, 3, 4]);
  barred.add('blue');
  barred.delete('d1');
  review();
  assert.deepEqual(
    [numbers(), gone],
    [
      [1, 2, 4],
      [1, 3],
    ],
  );
});

test('peers are added some at a time', () => {
  const { book, numbers } = scene();
  book.change({ changed: [1, 2, 3, 4, 5].map((number) => record(number)), removed: [] });
  assert.deepEqual([numbers(), book.size], [[], 5]);
  assert.equal(book.addSome(2), true);
  assert.deepEqual(numbers(), [1, 2]);
  book.change({ changed: [record(6)], removed: [2, 3, 4, 9] });
  assert.equal(book.addSome(2), false);
  assert.deepEqual(numbers(), [1, 5, 6]);
});

test('a change of one touches no other, and who was refused is a peer once its record is right', () => {
  const { core, book, gone, changed, numbers } = scene();
  const change = (...records: readonly WireGuardPeer[]): void => {
    changed.length = 0;
    book.change({ changed: records, removed: [] });
    while (book.addSome(2));
  };
  change(record(1), record(2), record(3, { sources: ['none'] }), record(4, { publicKey: new Uint8Array(32) }));
  assert.deepEqual([numbers(), book.refused], [[1, 2], 2]);
  const peers = [...core.peers];
  change(record(2, { egress: false }));
  assert.deepEqual([changed, gone, book.refused, [...core.peers]], [[2], [], 2, peers]);
  change(record(3), record(4));
  assert.deepEqual([numbers(), book.refused], [[1, 2, 3, 4], 0]);
  change(record(3, { endpoint: { address: 'host', port: 1 } }));
  assert.deepEqual([numbers(), book.refused, book.get(3)?.record], [[1, 2, 3, 4], 1, record(3)]);
  book.change({ changed: [], removed: [3] });
  assert.deepEqual([numbers(), book.refused, gone], [[1, 2, 4], 0, [3]]);
});
