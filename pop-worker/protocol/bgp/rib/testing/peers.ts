/** Neighbours of a RIB, at the other end of sessions: they announce by UPDATEs, and note what they are told. */
import assert from 'node:assert/strict';
import { writeCanonical } from '../../wire/attributes/canonical.ts';
import { AttributeCode } from '../../wire/attributes/codes.ts';
import { Outcome } from '../../wire/attributes/definition.ts';
import { addressBits, Family, isFlow } from '../../wire/families.ts';
import { decodeFlowSpec } from '../../wire/flowspec/codec.ts';
import { FlowCursor } from '../../wire/flowspec/nlri.ts';
import { flowSpecText } from '../../wire/flowspec/text.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from '../../wire/header.ts';
import { readMessages } from '../../wire/messages.ts';
import { PrefixCursor } from '../../wire/nlri.ts';
import { parseRouteRefresh } from '../../wire/route-refresh.ts';
import { UpdateReader } from '../../wire/update.ts';
import { UpdateWriter, writeEndOfRib } from '../../wire/update-writer.ts';
import type { NeighbourSettings, RibSession } from '../neighbour.ts';
import { Rib, type RibSettings } from '../rib.ts';
import { ACCEPT_ALL } from '../route-policy.ts';
import { type Attributes, addressBytes, addressText, decode, encode, prefixText, words } from './route.ts';

export const LOCAL_AS = 64_512;
export const LOCAL = { ipv4: addressBytes('192.0.2.1'), ipv6: addressBytes('2001:db8::1') };
const UNICAST = [Family.ipv4Unicast, Family.ipv6Unicast];
export const FAMILIES = Object.values(Family);

export const newRib = (changed: Partial<RibSettings> = {}): Rib =>
  new Rib({ identifier: 1, clusterId: 1, key: { k0: 1, k1: 2 }, comparesAllMeds: false, ...changed });

export interface PeerSettings extends Partial<NeighbourSettings> {
  readonly as: number;
}

/** A key of what a peer is told: its prefix, and the path identifier when there is one. */
type Key = string;

export class Peer {
  readonly rib: Rib;
  readonly index: number;
  settings: NeighbourSettings;
  session: RibSession;
  /** What it knows now. */
  readonly told = new Map<Key, Attributes>();
  /** Marks between UPDATEs, in the order in which they came. */
  readonly marks: string[] = [];
  updates = 0;
  readonly #reader = new UpdateReader();
  readonly #writer = new UpdateWriter();
  readonly #buffer = new Uint8Array(2 * MAX_EXTENDED_MESSAGE_BYTES);

  constructor(rib: Rib, settings: PeerSettings, session: Partial<RibSession> = {}) {
    this.rib = rib;
    this.settings = {
      localAs: LOCAL_AS,
      address: addressBytes('198.51.100.1'),
      importPolicy: ACCEPT_ALL,
      exportPolicy: ACCEPT_ALL,
      isReflectorClient: false,
      isServed: false,
      setsNextHop: false,
      limits: [],
      flowValidation: 'full',
      ...settings,
    };
    this.index = rib.addNeighbour(this.settings);
    this.session = {
      remoteIdentifier: 100 + this.index,
      families: UNICAST,
      rules: {
        asBytes: 4,
        isExternal: this.isExternal,
        firstAs: this.isExternal ? settings.as : 0,
        takesAsSets: false,
        families: FAMILIES,
        pathIdFamilies: [],
        ipv6NextHopFamilies: [],
      },
      writeRules: { asBytes: 4, pathIdFamilies: [] },
      largestSent: MAX_MESSAGE_BYTES,
      enhancedRouteRefresh: false,
      longLived: [],
      gracefulRestart: undefined,
      localRole: undefined,
      ...session,
    };
  }

  get isExternal(): boolean {
    return this.settings.as !== this.settings.localAs;
  }

  up(): this {
    this.rib.up(this.index, this.session, LOCAL);
    return this;
  }

  down(kept: readonly number[] = []): void {
    this.rib.down(this.index, kept);
    this.told.clear();
  }

  change(changed: Partial<NeighbourSettings>): void {
    this.settings = { ...this.settings, ...changed };
    this.rib.change(this.index, this.settings);
  }

  announce(attributes: Attributes, ...prefixes: readonly string[]): void {
    const bytes = encode({ ...(this.isExternal ? {} : { localPref: 100 }), ...attributes });
    this.announceBytes(bytes, attributes.nextHop, ...prefixes);
  }

  withdraw(...prefixes: readonly string[]): void {
    const { family } = words(prefixes[0]!);
    const { rules } = this.session;
    this.#writer.withdraw(this.#buffer, 0, MAX_MESSAGE_BYTES, family, rules);
    for (const prefix of prefixes) this.#add(prefix);
    this.#take(this.#writer.finish());
  }

  /** Bytes of canonical attributes, as they are. */
  announceBytes(attributes: Uint8Array, nextHop: string, ...prefixes: readonly string[]): void {
    const { family } = words(prefixes[0]!);
    const { asBytes, pathIdFamilies } = this.session.rules;
    const rules = { asBytes, pathIdFamilies };
    const hop = addressBytes(nextHop);
    const end = MAX_EXTENDED_MESSAGE_BYTES;
    assert.ok(this.#writer.announce(this.#buffer, 0, end, family, attributes, 0, attributes.length, hop, rules));
    for (const prefix of prefixes) this.#add(prefix);
    this.#take(this.#writer.finish());
  }

  announceFlow(family: number, attributes: Attributes, components: Uint8Array): void {
    const bytes = encode({ ...(this.isExternal ? {} : { localPref: 100 }), ...attributes });
    const end = MAX_EXTENDED_MESSAGE_BYTES;
    const hop = addressBytes('');
    assert.ok(this.#writer.announce(this.#buffer, 0, end, family, bytes, 0, bytes.length, hop, this.session.rules));
    assert.ok(this.#writer.addFlowSpec(components, 0));
    this.#take(this.#writer.finish());
  }

  withdrawFlow(family: number, components: Uint8Array): void {
    this.#writer.withdraw(this.#buffer, 0, MAX_MESSAGE_BYTES, family, this.session.rules);
    assert.ok(this.#writer.addFlowSpec(components, 0));
    this.#take(this.#writer.finish());
  }

  endOfRib(family: number): void {
    this.#take(writeEndOfRib(this.#buffer, 0, family));
  }

  /** `10.0.0.0/8`, or `10.0.0.0/8 7` with a path identifier. */
  #add(text: string): void {
    const [prefix, pathId = '0'] = text.split(' ');
    const { address, length } = words(prefix!);
    assert.ok(this.#writer.add(address, length, Number(pathId)));
  }

  /** The body of an UPDATE that has an error, but does not end the session. */
  takeBody(body: Uint8Array): void {
    this.#buffer.set(body, 19);
    assert.notEqual(this.#reader.read(this.#buffer, 19, 19 + body.length, this.session.rules), Outcome.ok);
    this.rib.take(this.index, this.#reader);
  }

  #take(end: number): void {
    const outcome = this.#reader.read(this.#buffer, 19, end, this.session.rules);
    assert.equal(outcome, Outcome.ok, this.#reader.fault?.reason);
    this.rib.take(this.index, this.#reader);
  }

  /** Reads all that there is for it. */
  read(): this {
    const buffer = this.#buffer;
    while (this.rib.hasOutput(this.index)) {
      const bytes = this.rib.nextUpdate(this.index, buffer, 7);
      // What was to be told may have turned out to be nothing.
      if (bytes === 0) break;
      assert.ok(bytes <= this.session.largestSent);
      readMessages(buffer, 7, 7 + bytes, this.session.largestSent, {
        open: () => assert.fail(),
        notification: () => assert.fail(),
        keepalive: () => assert.fail(),
        routeRefresh: (from, start, end) => {
          const refresh = parseRouteRefresh(from, start, end, true)!;
          return this.marks.push(`refresh ${refresh.family} ${refresh.subtype}`) > 0;
        },
        update: (from, start, end) => {
          this.#note(from, start, end);
          return true;
        },
      });
    }
    assert.equal(this.rib.nextUpdate(this.index, buffer, 7), 0);
    return this;
  }

  #note(buffer: Uint8Array, start: number, end: number): void {
    const reader = this.#reader;
    const { writeRules, rules } = this.session;
    const outcome = reader.read(buffer, start, end, {
      ...rules,
      asBytes: writeRules.asBytes,
      firstAs: this.isExternal && !this.settings.isServed ? LOCAL_AS : 0,
      pathIdFamilies: writeRules.pathIdFamilies,
    });
    assert.equal(outcome, Outcome.ok, reader.fault?.reason);
    this.updates++;
    if (reader.endOfRib !== 0) this.marks.push(`end ${reader.endOfRib}`);
    const { fields } = reader;
    for (const key of this.#keys(Family.ipv4Unicast, fields.withdrawnAt, fields.withdrawnEnd)) this.#forget(key);
    for (const key of this.#keys(reader.unreachFamily, reader.unreachAt, reader.unreachEnd)) this.#forget(key);
    const out = new Uint8Array(2 * 65_536);
    const bytes = writeCanonical(reader, writeRules.asBytes, out, 0);
    const hopAt = reader.valueAt[AttributeCode.nextHop]!;
    const learn = (keys: readonly Key[], at: number, length: number): void => {
      if (keys.length === 0) return;
      const nextHop = addressText(buffer.subarray(at, at + length));
      for (const key of keys) this.told.set(key, decode(out, 0, bytes, nextHop));
    };
    learn(this.#keys(Family.ipv4Unicast, fields.nlriAt, fields.nlriEnd), hopAt, 4);
    learn(this.#keys(reader.reachFamily, reader.reachAt, reader.reachEnd), reader.nextHopAt, reader.nextHopBytes);
  }

  /** A neighbour is never told that what it was not told of is gone. */
  #forget(key: Key): void {
    assert.ok(this.told.delete(key), `${key} was withdrawn from ${this.index}, which did not have it`);
  }

  #keys(family: number, start: number, end: number): Key[] {
    if (isFlow(family)) return this.#flowKeys(family, start, end);
    const hasPathIds = this.session.writeRules.pathIdFamilies.includes(family);
    const cursor = new PrefixCursor().reset(this.#reader.fields.buffer, start, end, hasPathIds);
    const keys: Key[] = [];
    while (cursor.next()) {
      const text = prefixText(cursor.address, cursor.length, addressBits(family));
      keys.push(hasPathIds ? `${text} ${cursor.pathId}` : text);
    }
    return keys;
  }

  #flowKeys(family: number, start: number, end: number): Key[] {
    const { buffer } = this.#reader.fields;
    const cursor = new FlowCursor().reset(buffer, start, end, false);
    const keys: Key[] = [];
    while (cursor.next()) {
      keys.push(flowSpecText(decodeFlowSpec(buffer, cursor.start, cursor.end, addressBits(family))));
    }
    return keys;
  }
}
