/** All that is made of a stream of messages: what they say, in words, and what must hold whatever they say. */
import assert from 'node:assert/strict';
import { BgpError, ErrorCode } from '../errors.ts';
import { AttributeStore } from '../rib/attribute-store.ts';
import { PrefixTable } from '../rib/prefix-table.ts';
import { Rib } from '../rib/rib.ts';
import { ACCEPT_ALL } from '../rib/route-policy.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { Outcome } from '../wire/attributes/definition.ts';
import { attributesText } from '../wire/attributes/text.ts';
import { shutdownText } from '../wire/cease.ts';
import { errorName } from '../wire/error-names.ts';
import { addressBits, Family, familyName, isFlow } from '../wire/families.ts';
import { decodeFlowSpec, encodeFlowSpec } from '../wire/flowspec/codec.ts';
import { areFlowSpecs, FlowCursor } from '../wire/flowspec/nlri.ts';
import { compareFlowSpecs } from '../wire/flowspec/order.ts';
import { flowSpecText } from '../wire/flowspec/text.ts';
import { checkHeader, MAX_EXTENDED_MESSAGE_BYTES } from '../wire/header.ts';
import { readMessages } from '../wire/messages.ts';
import { PrefixCursor } from '../wire/nlri.ts';
import { parseNotification } from '../wire/notification.ts';
import { parseOpen, writeOpen } from '../wire/open.ts';
import { parseRouteRefresh } from '../wire/route-refresh.ts';
import { UpdateReader } from '../wire/update.ts';
import type { UpdateRules } from '../wire/update-rules.ts';
import { UpdateWriter } from '../wire/update-writer.ts';

const KEY = { k0: 3, k1: 5 };
const OWN_AS = 64_512;
const NAMES = Object.entries(Outcome);
const LARGEST = new Uint8Array(2 * MAX_EXTENDED_MESSAGE_BYTES);
const writer = new UpdateWriter();
const reread = new UpdateReader();

/** @returns a line for each message, and one for the error that ended it, if any */
export const describeStream = (buffer: Uint8Array, start: number, end: number, rules: UpdateRules): string[] => {
  const lines: string[] = [];
  const reader = new UpdateReader();
  routes.begin(rules);
  try {
    const at = readMessages(buffer, start, end, MAX_EXTENDED_MESSAGE_BYTES, {
      open: (bytes, from, to) => lines.push(describeOpen(bytes, from, to)) > 0,
      update: (bytes, from, to) => {
        reader.read(bytes, from, to, rules);
        routes.take(rules, reader);
        return lines.push(...describeUpdate(reader, rules)) > 0;
      },
      notification: (bytes, from, to) => {
        const notification = parseNotification(bytes, from, to);
        const text = shutdownText(notification);
        lines.push(
          `notification ${errorName(notification.code, notification.subcode)}${text === undefined ? '' : `: ${text}`}`,
        );
        return true;
      },
      keepalive: () => lines.push('keepalive') > 0,
      routeRefresh: (bytes, from, to) => {
        const refresh = parseRouteRefresh(bytes, from, to, true);
        lines.push(
          `route-refresh ${refresh === undefined ? 'ignored' : `${familyName(refresh.family)} ${refresh.subtype}`}`,
        );
        return true;
      },
    });
    if (at < end) lines.push(`${end - at} bytes left`);
  } catch (error) {
    assert.ok(error instanceof BgpError && error.fault === 'remote', String(error));
    const { messageHeader, open, update, routeRefresh } = ErrorCode;
    assert.ok(([messageHeader, open, update, routeRefresh] as number[]).includes(error.code));
    lines.push(`error ${error.code}/${error.subcode}`);
  }
  routes.end(rules);
  return lines;
};

const rib = new Rib({ identifier: 1, clusterId: 1, key: KEY, comparesAllMeds: false });
const newNeighbour = (as: number): number =>
  rib.addNeighbour({
    as,
    localAs: OWN_AS,
    address: Uint8Array.of(198, 51, 100, 1),
    importPolicy: ACCEPT_ALL,
    exportPolicy: ACCEPT_ALL,
    isReflectorClient: false,
    isServed: false,
    setsNextHop: false,
    limits: [],
    flowValidation: 'none',
  });
const [OUTSIDE, INSIDE, LISTENER] = [64_500, OWN_AS, 64_501].map(newNeighbour) as [number, number, number];

/** What a neighbour announces goes through a RIB: another is told of it, and once it is gone nothing is left. */
const routes = {
  begin(rules: UpdateRules): void {
    for (const index of [rules.isExternal ? OUTSIDE : INSIDE, LISTENER]) {
      const session = {
        remoteIdentifier: index,
        families: rules.families,
        rules,
        writeRules: { asBytes: rules.asBytes, pathIdFamilies: rules.pathIdFamilies },
        largestSent: MAX_EXTENDED_MESSAGE_BYTES,
        enhancedRouteRefresh: true,
        gracefulRestart: undefined,
        longLived: [],
        localRole: undefined,
      };
      rib.up(index, session, { ipv4: Uint8Array.of(192, 0, 2, 1), ipv6: new Uint8Array(16).fill(1) });
    }
  },

  take(rules: UpdateRules, update: UpdateReader): void {
    rib.take(rules.isExternal ? OUTSIDE : INSIDE, update);
    routes.tell();
  },

  tell(): void {
    for (let bytes = rib.nextUpdate(LISTENER, LARGEST, 0); bytes > 0; bytes = rib.nextUpdate(LISTENER, LARGEST, 0)) {
      assert.equal(checkHeader(LARGEST, 0, MAX_EXTENDED_MESSAGE_BYTES), bytes);
    }
  },

  end(rules: UpdateRules): void {
    rib.validateFlows();
    rib.down(rules.isExternal ? OUTSIDE : INSIDE, []);
    routes.tell();
    rib.down(LISTENER, []);
    assert.equal(rib.store.size, 0);
    for (const { destinations, paths } of rib.families) assert.deepEqual([destinations.size, paths.size], [0, 0]);
  },
};

const describeOpen = (buffer: Uint8Array, start: number, end: number): string => {
  const open = parseOpen(buffer, start, end);
  assert.ok(open.as > 0 && open.identifier > 0 && (open.holdTimeS === 0 || open.holdTimeS >= 3));
  // What we would announce of it is read as the same.
  const again = LARGEST.subarray(
    0,
    writeOpen(LARGEST, 0, { ...open, capabilities: { ...open.capabilities, fourOctetAs: open.as } }),
  );
  assert.equal(parseOpen(again, 19, again.length).as, open.as);
  return `open ${open.as} ${open.capabilities.families.map(familyName).join(' ')}`.trimEnd();
};

const describeUpdate = (reader: UpdateReader, rules: UpdateRules): string[] => {
  const { fields, outcome, isWithdraw, disabledFamily, endOfRib } = reader;
  assert.equal(outcome === Outcome.ok, reader.fault === undefined);
  assert.ok(outcome !== Outcome.sessionReset);
  assert.ok(!isWithdraw || outcome >= Outcome.treatAsWithdraw);
  const lines = [`update ${NAMES.find(([, value]) => value === outcome)?.[0]}`];
  if (disabledFamily !== 0) lines.push(`disabled ${familyName(disabledFamily)}`);
  if (endOfRib !== 0) lines.push(`end of ${familyName(endOfRib)}`);
  const prefixes = (name: string, family: number, from: number, to: number): void => {
    if (from < to)
      lines.push(`${name} ${familyName(family)} ${describeNlri(fields.buffer, from, to, family, isWithdraw, rules)}`);
  };
  const gone = isWithdraw ? 'withdraws' : 'announces';
  prefixes('withdraws', Family.ipv4Unicast, fields.withdrawnAt, fields.withdrawnEnd);
  prefixes('withdraws', reader.unreachFamily, reader.unreachAt, reader.unreachEnd);
  prefixes(gone, Family.ipv4Unicast, fields.nlriAt, fields.nlriEnd);
  prefixes(gone, reader.reachFamily, reader.reachAt, reader.reachEnd);
  const nextHopAt = reader.valueAt[AttributeCode.nextHop] as number;
  if (!isWithdraw && fields.nlriAt < fields.nlriEnd)
    lines.push(...describeSet(reader, rules, Family.ipv4Unicast, nextHopAt, 4));
  if (!isWithdraw && reader.reachAt < reader.reachEnd) {
    lines.push(...describeSet(reader, rules, reader.reachFamily, reader.nextHopAt, reader.nextHopBytes));
  }
  return lines;
};

/** Prefixes, which come in and go out of a table; flow specifications, which are written as they were. */
const describeNlri = (
  buffer: Uint8Array,
  from: number,
  to: number,
  family: number,
  isBroken: boolean,
  rules: UpdateRules,
): string => {
  const hasPathIds = rules.pathIdFamilies.includes(family);
  const bits = addressBits(family);
  if (isFlow(family)) return describeFlows(buffer, from, to, bits, hasPathIds, isBroken);
  const table = new PrefixTable(bits, KEY);
  const cursor = new PrefixCursor().reset(buffer, from, to, hasPathIds);
  const texts: string[] = [];
  while (cursor.next()) {
    assert.ok(cursor.length <= bits);
    const id = table.intern(cursor.address, cursor.length);
    assert.equal(table.find(cursor.address, cursor.length), id);
    assert.ok(table.lookup(cursor.address) >= 0);
    texts.push(
      `${[...cursor.address.subarray(0, bits / 32)].map((word) => word.toString(16).padStart(8, '0')).join(':')}/${cursor.length}`,
    );
  }
  for (let id = 0; id < table.limit; id++) if (table.has(id)) table.delete(id);
  assert.equal(table.size, 0);
  return texts.join(' ');
};

const describeFlows = (
  buffer: Uint8Array,
  from: number,
  to: number,
  bits: number,
  hasPathIds: boolean,
  isBroken: boolean,
): string => {
  const isGood = areFlowSpecs(buffer, from, to, bits, hasPathIds);
  assert.ok(isGood || isBroken);
  if (!isGood) return 'malformed';
  const cursor = new FlowCursor().reset(buffer, from, to, hasPathIds);
  const texts: string[] = [];
  while (cursor.next()) {
    const bytes = buffer.slice(cursor.start, cursor.end);
    const spec = decodeFlowSpec(buffer, cursor.start, cursor.end, bits);
    assert.equal(compareFlowSpecs(bytes, bytes, bits), 0);
    const isExact = spec.every(
      (component) => component.kind === 'prefix' || component.terms.every(({ value }) => value <= 2 ** 53 - 1),
    );
    if (isExact)
      assert.deepEqual(decodeFlowSpec(encodeFlowSpec(spec, bits), 0, encodeFlowSpec(spec, bits).length, bits), spec);
    texts.push(flowSpecText(spec));
  }
  return texts.join('; ');
};

/** The set that is kept; and another neighbour that it is sent to reads the same. */
const describeSet = (
  reader: UpdateReader,
  rules: UpdateRules,
  family: number,
  nextHopAt: number,
  nextHopBytes: number,
): string[] => {
  const store = new AttributeStore(KEY);
  const id = store.intern(reader, rules.asBytes, nextHopAt, nextHopBytes);
  assert.equal(store.intern(reader, rules.asBytes, nextHopAt, nextHopBytes), id);
  const from = store.startOf(id);
  const set = store.bytesOf(id).slice(from, from + store.lengthOf(id));
  const hop = store.columns.nextHop[id] as number;
  const hopAt = store.nextHops.startOf(hop);
  const nextHop = store.nextHops.bytesOf(hop).slice(hopAt, hopAt + store.nextHops.lengthOf(hop));
  forward(store, id, set, nextHop, family, rules);
  store.release(id);
  store.release(id);
  assert.deepEqual([store.size, store.nextHops.size], [0, 0]);
  return attributesText(set, 0, set.length).map(([name, value]) => `${name}${value === '' ? '' : ` ${value}`}`);
};

const forward = (
  store: AttributeStore,
  id: number,
  set: Uint8Array,
  nextHop: Uint8Array,
  family: number,
  rules: UpdateRules,
): void => {
  for (const asBytes of [4, 2] as const) {
    const end = MAX_EXTENDED_MESSAGE_BYTES;
    if (!writer.announce(LARGEST, 0, end, family, set, 0, set.length, nextHop, { asBytes, pathIdFamilies: [] }))
      continue;
    if (isFlow(family)) assert.ok(writer.addFlowSpec(Uint8Array.of(3, 0x81, 6), 0));
    else assert.ok(writer.add(Uint32Array.of(0x0a000000, 0, 0, 0), 8, 0));
    const length = writer.finish();
    const outcome = reread.read(LARGEST, 19, length, {
      ...rules,
      asBytes,
      // AS4_PATH may have put another in front.
      firstAs: 0,
      pathIdFamilies: [],
      ipv6NextHopFamilies: [Family.ipv4Unicast],
    });
    assert.equal(outcome, Outcome.ok, reread.fault?.reason);
    const isClassic = reread.reachFamily === 0;
    const at = isClassic ? (reread.valueAt[AttributeCode.nextHop] as number) : reread.nextHopAt;
    const again = store.intern(reread, asBytes, at, isClassic ? 4 : reread.nextHopBytes);
    assert.equal(again, id, `${asBytes}`);
    store.release(again);
  }
};
