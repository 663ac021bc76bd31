/**
 * What UPDATEs of a full table cost to read: 500,000 routes of IPv4 in 100,000 sets of attributes, at most 5 prefixes a
 * message, as they come from a socket in pieces of 64 KiB. First they are only checked, then attributes are kept, then
 * prefixes too, with a column that says which set each route has; then all of it again from a second neighbour, and
 * withdrawn. Then the whole way through a RIB: in from one neighbour, chosen, and out to a second; and withdrawn again; and
 * from ten neighbours 10,000 routes each. Prints only. With `memory` instead of a number: what the process takes when 500,000
 * and 1,000,000 routes have gone through a RIB.
 *
 * Run: node bench/micro/bgp.ts [rounds | memory]
 */
import { AttributeStore } from '#protocol/bgp/rib/attribute-store.ts';
import type { NeighbourSettings, RibSession } from '#protocol/bgp/rib/neighbour.ts';
import { PrefixTable } from '#protocol/bgp/rib/prefix-table.ts';
import { Rib } from '#protocol/bgp/rib/rib.ts';
import { ACCEPT_ALL } from '#protocol/bgp/rib/route-policy.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { type MessageSink, readMessages } from '#protocol/bgp/wire/messages.ts';
import { PrefixCursor } from '#protocol/bgp/wire/nlri.ts';
import { UpdateReader } from '#protocol/bgp/wire/update.ts';
import type { UpdateRules } from '#protocol/bgp/wire/update-rules.ts';
import { updatesOf } from '../bgp/updates.ts';

const ROUTES = 500_000;
const SETS = 100_000;
const PIECE = 65_536;
const NEXT_HOP = 0xc000_0202;
const KEY = { k0: 0x243f6a88, k1: 0x85a308d3 };

const RULES: UpdateRules = {
  asBytes: 4,
  isExternal: true,
  firstAs: 64_500,
  takesAsSets: false,
  families: [Family.ipv4Unicast],
  pathIdFamilies: [],
  ipv6NextHopFamilies: [],
};

/** All messages, one behind the other: announcements, or withdrawals of the same routes. */
const stream = (
  isWithdrawal: boolean,
  routes = ROUTES,
  sets = SETS,
  first = 0,
): { readonly bytes: Uint8Array; readonly updates: number } =>
  updatesOf({ as: RULES.firstAs, nextHop: NEXT_HOP, first, routes, sets }, isWithdrawal);

/** Where routes of a neighbour are kept: the id of their set, and 1 more, by the id of the prefix. */
class Table {
  readonly store = new AttributeStore(KEY);
  readonly prefixes = new PrefixTable(32, KEY);
  routes = new Uint32Array(1024);

  reserve(): void {
    if (this.prefixes.capacity <= this.routes.length) return;
    const longer = new Uint32Array(this.prefixes.capacity);
    longer.set(this.routes);
    this.routes = longer;
  }
}

type Depth = 'check' | 'attributes' | 'routes';

const receiver = (table: Table, depth: Depth): MessageSink & { routes: number } => {
  const reader = new UpdateReader();
  const cursor = new PrefixCursor();
  const { store, prefixes } = table;
  const sink = {
    routes: 0,
    open: () => true,
    notification: () => true,
    keepalive: () => true,
    routeRefresh: () => true,
    update: (buffer: Uint8Array, start: number, end: number): boolean => {
      reader.read(buffer, start, end, RULES);
      if (depth === 'check') return true;
      const { fields } = reader;
      if (fields.withdrawnAt < fields.withdrawnEnd) withdraw(buffer);
      if (fields.nlriAt === fields.nlriEnd) return true;
      const id = store.intern(reader, 4, reader.valueAt[AttributeCode.nextHop] as number, 4);
      if (depth === 'routes') announce(buffer, id);
      return true;
    },
  };
  const announce = (buffer: Uint8Array, id: number): void => {
    cursor.reset(buffer, reader.fields.nlriAt, reader.fields.nlriEnd, false);
    while (cursor.next()) {
      const prefix = prefixes.intern(cursor.address, cursor.length);
      table.reserve();
      const before = table.routes[prefix] as number;
      store.retain(id);
      table.routes[prefix] = id + 1;
      if (before > 0) store.release(before - 1);
      sink.routes++;
    }
    store.release(id);
  };
  const withdraw = (buffer: Uint8Array): void => {
    cursor.reset(buffer, reader.fields.withdrawnAt, reader.fields.withdrawnEnd, false);
    while (cursor.next()) {
      const prefix = prefixes.find(cursor.address, cursor.length);
      const before = table.routes[prefix] as number;
      table.routes[prefix] = 0;
      store.release(before - 1);
      prefixes.delete(prefix);
      sink.routes++;
    }
  };
  return sink;
};

/** As if it came from a socket. @returns milliseconds */
const receive = (bytes: Uint8Array, sink: MessageSink, after: () => void = () => {}): number => {
  const buffer = new Uint8Array(PIECE + MAX_MESSAGE_BYTES);
  const start = performance.now();
  let kept = 0;
  for (let from = 0; from < bytes.length; from += PIECE) {
    const piece = bytes.subarray(from, from + PIECE);
    buffer.set(piece, kept);
    const end = kept + piece.length;
    const at = readMessages(buffer, 0, end, MAX_MESSAGE_BYTES, sink);
    buffer.copyWithin(0, at, end);
    kept = end - at;
    after();
  }
  return performance.now() - start;
};

const SETTINGS: NeighbourSettings = {
  as: RULES.firstAs,
  localAs: 64_512,
  address: Uint8Array.of(192, 0, 2, 2),
  importPolicy: ACCEPT_ALL,
  exportPolicy: ACCEPT_ALL,
  isReflectorClient: false,
  isServed: false,
  setsNextHop: false,
  limits: [],
  flowValidation: 'full',
};
const SESSION: RibSession = {
  remoteIdentifier: 7,
  families: RULES.families,
  rules: RULES,
  writeRules: { asBytes: 4, pathIdFamilies: [] },
  largestSent: MAX_MESSAGE_BYTES,
  enhancedRouteRefresh: false,
  longLived: [],
  gracefulRestart: undefined,
  localRole: undefined,
};
const LOCAL = { ipv4: Uint8Array.of(192, 0, 2, 1) };

/** Messages of a neighbour go into the RIB, and what another is to be told is written after each piece. */
const ribSink = (rib: Rib, index: number): MessageSink => {
  const reader = new UpdateReader();
  return {
    open: () => true,
    notification: () => true,
    keepalive: () => true,
    routeRefresh: () => true,
    update: (buffer, start, end) => {
      reader.read(buffer, start, end, SESSION.rules);
      rib.take(index, reader);
      return true;
    },
  };
};

const written = new Uint8Array(2 * PIECE);
/** @returns messages that a neighbour was told */
const drain = (rib: Rib, index: number): number => {
  let messages = 0;
  let at = 0;
  for (let bytes = rib.nextUpdate(index, written, at); bytes > 0; bytes = rib.nextUpdate(index, written, at)) {
    messages++;
    at = at + bytes > PIECE ? 0 : at + bytes;
  }
  return messages;
};

const through = (bytes: Uint8Array, rib: Rib, from: number, to: readonly number[], least: number): number => {
  let messages = 0;
  const ms = receive(bytes, ribSink(rib, from), () => {
    for (const index of to) messages += drain(rib, index);
  });
  if (messages < least) throw new Error(`${messages} messages came out`);
  return ms;
};

const newRib = (): Rib => new Rib({ identifier: 1, clusterId: 1, key: KEY, comparesAllMeds: false });
const addNeighbour = (rib: Rib, as: number): number => {
  const index = rib.addNeighbour({ ...SETTINGS, as });
  rib.up(index, SESSION, LOCAL);
  return index;
};

/** Of ten neighbours, each of which hears of what the nine others have. */
const TEN_ROUTES = 10_000;
const TEN = Array.from({ length: 10 }, (_, i) => ({
  as: RULES.firstAs + i,
  bytes: stream(false, TEN_ROUTES, TEN_ROUTES / 5, i * TEN_ROUTES).bytes,
}));

const print = (what: string, ms: number): void => {
  const routes = what.startsWith('ten') ? 10 * TEN_ROUTES : ROUTES;
  console.log(
    `${what.padEnd(34)} ${ms.toFixed(0).padStart(5)} ms ${((ms * 1e6) / routes).toFixed(0).padStart(5)} ns a route`,
  );
};

const best: Record<string, number> = {};
const note = (what: string, ms: number): void => {
  best[what] = Math.min(best[what] ?? Number.POSITIVE_INFINITY, ms);
};

const expectSizes = (table: Table, sets: number, prefixes: number): void => {
  if (table.store.size !== sets || table.prefixes.size !== prefixes) throw new Error('what is kept is not what came');
};

const measureTime = (rounds: number): void => {
  const announcements = stream(false);
  const withdrawals = stream(true);
  const { updates } = announcements;

  console.log(
    `${ROUTES} routes, ${SETS} sets, ${updates} UPDATEs of ${(announcements.bytes.length / updates).toFixed(0)} bytes`,
  );

  let memory = '';
  for (let round = 0; round < rounds; round++) {
    note('messages checked', receive(announcements.bytes, receiver(new Table(), 'check')));
    note('attributes kept', receive(announcements.bytes, receiver(new Table(), 'attributes')));
    const table = new Table();
    const sink = receiver(table, 'routes');
    note('routes kept', receive(announcements.bytes, sink));
    const flat = table.store.memory + table.prefixes.memory + table.routes.byteLength;
    memory =
      `${(flat / ROUTES).toFixed(0)} bytes a route: ` +
      `${(table.store.memory / SETS).toFixed(0)} a set of attributes, ${(table.prefixes.memory / ROUTES).toFixed(0)} a prefix`;
    expectSizes(table, SETS, ROUTES);
    note('the same again', receive(announcements.bytes, sink));
    expectSizes(table, SETS, ROUTES);
    note('withdrawn', receive(withdrawals.bytes, sink));
    expectSizes(table, 0, 0);

    const rib = newRib();
    const one = addNeighbour(rib, RULES.firstAs);
    const two = addNeighbour(rib, 64_501);
    note('through a RIB', through(announcements.bytes, rib, one, [two], SETS));
    memory += `\n${(rib.memory / ROUTES).toFixed(0)} bytes a route in a RIB with two neighbours`;
    // Nobody is told of what has not changed.
    note('through it again', through(announcements.bytes, rib, one, [two], 0));
    note('withdrawn through it', through(withdrawals.bytes, rib, one, [two], 1));
    if (rib.store.size > 0) throw new Error('attributes were left');
  }

  for (let round = 0; round < rounds; round++) {
    const rib = newRib();
    const indices = TEN.map(({ as }) => addNeighbour(rib, as));
    const start = performance.now();
    for (const [i, { bytes }] of TEN.entries()) through(bytes, rib, indices[i] as number, indices, 1);
    note(`ten neighbours, ${TEN_ROUTES} routes each`, performance.now() - start);
  }

  for (const [what, ms] of Object.entries(best)) print(what, ms);
  console.log(memory);
};

/** Most that the process has taken; pieces of the stream are made and left behind. */
const measureMemory = (): void => {
  const rib = newRib();
  const one = addNeighbour(rib, RULES.firstAs);
  const two = addNeighbour(rib, 64_501);
  const piece = 50_000;
  for (let routes = piece; routes <= 2 * ROUTES; routes += piece) {
    const sets = piece / 5;
    through(stream(false, piece, sets, routes - piece).bytes, rib, one, [two], 1);
    if (routes % ROUTES > 0) continue;
    const { maxRSS } = process.resourceUsage();
    console.log(
      `${routes} routes, ${rib.store.size} sets: ${(maxRSS / 1024).toFixed(0)} MiB at most, ${(rib.memory / 2 ** 20).toFixed(0)} MiB of tables`,
    );
  }
};

if (process.argv[2] === 'memory') measureMemory();
else measureTime(Number(process.argv[2] ?? 7));
