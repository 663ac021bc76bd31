import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { Community } from '../wire/communities.ts';
import { CAPTURED } from '../wire/testing/captured.ts';
import { hex, unhex } from '../wire/testing/hex.ts';
import { EXTERNAL, INTERNAL, OLD, read, update } from '../wire/testing/update.ts';
import type { UpdateReader } from '../wire/update.ts';
import { RouteFlag } from './attribute-columns.ts';
import { AttributeStore } from './attribute-store.ts';

const KEY = { k0: 1, k1: 2 };
const ORIGIN = '400101 00';
const AS_PATH = '400206 0201 0000fbf4';
const NEXT_HOP = '400304 c0000201';
const NLRI = '18 cb0071';

/** For the routes in NLRI. */
const internOld = (store: AttributeStore, reader: UpdateReader, asBytes: 2 | 4 = 4): number =>
  store.intern(reader, asBytes, reader.valueAt[AttributeCode.nextHop]!, 4);
/** For those in MP_REACH_NLRI. */
const internNew = (store: AttributeStore, reader: UpdateReader): number =>
  store.intern(reader, 4, reader.nextHopAt, reader.nextHopBytes);

const of = (store: AttributeStore, attributes: string, rules = EXTERNAL): number =>
  internOld(store, read(update({ attributes, nlri: NLRI }), rules), rules.asBytes);

const bytes = (store: AttributeStore, id: number): string =>
  hex(store.bytesOf(id), store.startOf(id), store.startOf(id) + store.lengthOf(id));

const nextHop = (store: AttributeStore, id: number): string => {
  const hop = store.columns.nextHop[id]!;
  const start = store.nextHops.startOf(hop);
  return hex(store.nextHops.bytesOf(hop), start, start + store.nextHops.lengthOf(hop));
};

test('equal attributes are one set, whichever neighbour and encoding they came by', () => {
  const store = new AttributeStore(KEY);
  const old = internOld(store, read(CAPTURED.old.communities, OLD), 2);
  const both = { ...EXTERNAL, ipv6NextHopFamilies: [0x0101] };
  assert.equal(internNew(store, read(CAPTURED.new.communities, both)), old);
  assert.equal(store.size, 1);
  assert.equal(store.references(old), 2);
  assert.equal(nextHop(store, old), '7f000001');
});

test('another next hop is another set', () => {
  const store = new AttributeStore(KEY);
  const one = of(store, `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`);
  const two = of(store, `${ORIGIN} ${AS_PATH} 400304 c0000202`);
  assert.notEqual(one, two);
  assert.equal(bytes(store, one), bytes(store, two));
  assert.deepEqual([nextHop(store, one), nextHop(store, two)], ['c0000201', 'c0000202']);
  store.release(one);
  assert.equal(store.nextHops.size, 1, 'its next hop goes with it');
  assert.equal(nextHop(store, two), 'c0000202');
});

test('a second address of IPv6 counts when it is link-local, and a next hop of flow specifications never', () => {
  const store = new AttributeStore(KEY);
  const global = '20010db8000000000000000000000001';
  const reach = (second: string): UpdateReader =>
    read(update({ attributes: `800e2c 000201 20 ${global} ${second} 00 30 20010db80001 ${ORIGIN} ${AS_PATH}` }));
  assert.equal(
    nextHop(store, internNew(store, reach('fe800000000000000000000000000001'))),
    `${global}fe800000000000000000000000000001`,
  );
  assert.equal(nextHop(store, internNew(store, reach('20010db8000000000000000000000002'))), global);
  const flow = read(update({ attributes: `800e0d 000185 04 c0000201 00 03038106 ${ORIGIN} ${AS_PATH}` }));
  assert.equal(nextHop(store, internNew(store, flow)), '');
});

test('what decisions need is in the columns', () => {
  const store = new AttributeStore(KEY);
  const id = of(
    store,
    `400101 02 400214 0202 0000fbf4 fa56ea01 0102 00000007 00000008 ${NEXT_HOP} 800404 00000032 400504 000000c8
     c00818 fbf40064 ffffff01 ffff029a ffff0000 ffff0006 ffffff04 800904 0a000009 800a08 0a000001 0a000002 c02304 0000fbf4`,
    { ...INTERNAL, takesAsSets: true },
  );
  const { columns } = store;
  assert.deepEqual(
    {
      origin: columns.origin[id],
      pathLength: columns.pathLength[id],
      firstAs: columns.firstAs[id],
      originAs: columns.originAs[id],
      localPref: columns.localPref[id],
      med: columns.med[id],
      originator: columns.originator[id],
      clusterLength: columns.clusterLength[id],
    },
    {
      origin: 2,
      pathLength: 3,
      firstAs: 64_500,
      originAs: 0,
      localPref: 200,
      med: 50,
      originator: 0x0a000009,
      clusterLength: 2,
    },
  );
  const { hasMed, hasLocalPref, hasOriginator, hasOtc, hasAsSet } = RouteFlag;
  const { noExport, blackhole, gracefulShutdown, llgrStale, noPeer } = RouteFlag;
  const has = hasMed | hasLocalPref | hasOriginator | hasOtc | hasAsSet;
  assert.equal(columns.flags[id], has | noExport | blackhole | gracefulShutdown | llgrStale | noPeer);
});

test('each well-known community has its own mark, others none', () => {
  const store = new AttributeStore(KEY);
  const marks = Object.values(Community).map((value) => {
    const id = of(store, `${ORIGIN} ${AS_PATH} ${NEXT_HOP} c00804 ${value.toString(16)}`);
    return store.columns.flags[id]!;
  });
  assert.equal(new Set(marks).size, Object.values(Community).length);
  for (const mark of marks) assert.ok(mark > 0 && (mark & (mark - 1)) === 0);
  for (const other of ['ffff0001', 'ff00ff01', '00ffff01', 'fffeff01']) {
    assert.equal(store.columns.flags[of(store, `${ORIGIN} ${AS_PATH} ${NEXT_HOP} c00804 ${other}`)], 0, other);
  }
  assert.equal(new Set(Object.values(RouteFlag)).size, 13);
});

test('a set that has none of it has a row of zeros, also where another one was', () => {
  const store = new AttributeStore(KEY);
  const rich = of(store, `400101 01 ${AS_PATH} ${NEXT_HOP} 800404 00000032 c00804 ffffff02`);
  assert.equal(store.columns.flags[rich], RouteFlag.hasMed | RouteFlag.noAdvertise);
  assert.equal(store.columns.originAs[rich], 64_500);
  store.release(rich);
  const bare = internOld(
    store,
    read(update({ attributes: `${ORIGIN} 400200 ${NEXT_HOP}`, nlri: NLRI }), { ...EXTERNAL, firstAs: 0 }),
  );
  assert.equal(bare, rich);
  const { columns } = store;
  for (const column of [columns.flags, columns.origin, columns.pathLength, columns.firstAs, columns.originAs]) {
    assert.equal(column[bare], 0);
  }
  for (const column of [columns.localPref, columns.med, columns.originator, columns.clusterLength]) {
    assert.equal(column[bare], 0);
  }
  const rest = of(store, `${ORIGIN} ${AS_PATH} ${NEXT_HOP} c00808 ffffff03 ffff0007`);
  assert.equal(columns.flags[rest], RouteFlag.noExportSubconfed | RouteFlag.noLlgr);
});

test('a path that begins with a set has no neighbouring AS, one that ends with one no origin', () => {
  const store = new AttributeStore(KEY);
  const rules = { ...EXTERNAL, firstAs: 0, takesAsSets: true };
  const first = of(store, `${ORIGIN} 40020c 0101 00000007 0201 0000fbf4 ${NEXT_HOP}`, rules);
  const last = of(store, `${ORIGIN} 40020c 0201 0000fbf4 0101 00000007 ${NEXT_HOP}`, rules);
  assert.deepEqual([store.columns.firstAs[first], store.columns.originAs[first]], [0, 64_500]);
  assert.deepEqual([store.columns.firstAs[last], store.columns.originAs[last]], [64_500, 0]);
});

test('our own attributes are kept as neighbours’ are', () => {
  const store = new AttributeStore(KEY);
  const theirs = of(store, `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`);
  assert.equal(store.internBytes(unhex(`${ORIGIN} ${AS_PATH}`), unhex('c0000201')), theirs);
  assert.equal(store.internBytes(unhex(`${ORIGIN} 400200`), unhex('')), store.size - 1);
});

test('a set goes with its last reference, and its next hop with the last set that has it', () => {
  const store = new AttributeStore(KEY);
  const text = `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`;
  const id = of(store, text);
  assert.equal(bytes(store, id), hex(unhex(`${ORIGIN} ${AS_PATH}`)));
  assert.equal(of(store, text), id);
  store.retain(id);
  assert.equal(store.references(id), 3);
  assert.equal(store.nextHops.references(store.columns.nextHop[id]!), 1);
  store.release(id);
  store.release(id);
  assert.deepEqual([store.size, store.nextHops.size, store.references(id)], [1, 1, 1]);
  assert.equal(bytes(store, id), hex(unhex(`${ORIGIN} ${AS_PATH}`)));
  store.release(id);
  assert.deepEqual([store.size, store.nextHops.size], [0, 0]);
});

test('thirty thousand sets come and go, and nothing is left of them', () => {
  const store = new AttributeStore(KEY);
  const path = unhex(`${ORIGIN} 40020a 0202 0000fbf4 00000000 c00804 fbf40000`);
  const view = new DataView(path.buffer);
  const hop = unhex('c0000201');
  const ids: number[] = [];
  for (let i = 0; i < 30_000; i++) {
    view.setUint32(13, i + 1);
    ids.push(store.internBytes(path, hop));
  }
  assert.equal(store.size, 30_000);
  for (const [i, id] of ids.entries()) assert.equal(store.columns.originAs[id], i + 1);
  // A path of 23 bytes: with next hop, id, length and a place to find it by, 80 at least; doubling may take as much again.
  assert.ok(store.memory > 30_000 * 80 && store.memory < 30_000 * 160, String(store.memory));
  for (const id of ids) store.release(id);
  assert.equal(store.size, 0);
  assert.equal(store.nextHops.size, 0);
});
