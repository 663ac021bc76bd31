import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '#protocol/bgp/wire/attributes/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { readMessages } from '#protocol/bgp/wire/messages.ts';
import { UpdateReader } from '#protocol/bgp/wire/update.ts';
import { Held } from './held.ts';
import { type Announced, updatesOf } from './updates.ts';

const ANNOUNCED: Announced = { as: 64_500, nextHop: 0xc000_0202, first: 0, routes: 1000, sets: 200 };
const SET_OF = (route: number): number => Math.floor(route / 5);

/** @param each is given every UPDATE */
const read = (bytes: Uint8Array, each: (buffer: Uint8Array, start: number, end: number) => void): void => {
  const nothing = () => assert.fail();
  const sink = { open: nothing, notification: nothing, keepalive: nothing, routeRefresh: nothing };
  const end = readMessages(bytes, 0, bytes.length, MAX_MESSAGE_BYTES, {
    ...sink,
    update: (buffer, start, stop) => {
      each(buffer, start, stop);
      return true;
    },
  });
  assert.equal(end, bytes.length);
};

const take = (held: Held, bytes: Uint8Array): void =>
  read(bytes, (buffer, start, end) => held.take(buffer, start - HEADER_BYTES, end));

test('UPDATEs as they are prepared have no faults, five routes each, and no two the same attributes', () => {
  const reader = new UpdateReader();
  const sets = new Set<string>();
  const { bytes, updates } = updatesOf(ANNOUNCED, false);
  read(bytes, (buffer, start, end) => {
    const rules = { asBytes: 4, isExternal: true, firstAs: ANNOUNCED.as, takesAsSets: false } as const;
    const families = { families: [Family.ipv4Unicast], pathIdFamilies: [], ipv6NextHopFamilies: [] };
    assert.equal(reader.read(buffer, start, end, { ...rules, ...families }), Outcome.ok, reader.fault?.reason);
    assert.equal(reader.fields.nlriEnd - reader.fields.nlriAt, 5 * 4);
    sets.add(Buffer.from(buffer.subarray(start, reader.fields.nlriAt)).toString('hex'));
  });
  assert.deepEqual([updates, sets.size], [200, 200]);
});

test('each route is held once, until it is withdrawn', () => {
  const held = new Held(1000, SET_OF);
  const { bytes } = updatesOf(ANNOUNCED, false);
  take(held, bytes.subarray(0, bytes.length));
  take(held, bytes);
  assert.deepEqual([held.count, held.updates, held.wrong], [1000, 400, 0]);
  take(held, updatesOf(ANNOUNCED, true).bytes);
  take(held, updatesOf(ANNOUNCED, true).bytes);
  assert.deepEqual([held.count, held.updates], [0, 800]);
});

test('routes with the attributes of others are counted, those of nobody are refused', () => {
  const held = new Held(1000, (route) => SET_OF(route) + (route < 5 ? 1 : 0));
  take(held, updatesOf(ANNOUNCED, false).bytes);
  assert.equal(held.wrong, 5);
  const strange = Uint8Array.of(...Array(16).fill(0xff), 0, 26, MessageType.update, 0, 0, 0, 0, 16, 10, 1);
  assert.throws(() => held.take(strange, 0, strange.length), /a prefix of 16 bits/);
});
