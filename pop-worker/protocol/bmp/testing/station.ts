/** A monitoring station: reads what a feed writes, and keeps the tables that it tells of. */
import assert from 'node:assert/strict';
import { prefixText } from '#protocol/bgp/rib/testing/route.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { Outcome } from '#protocol/bgp/wire/attributes/definition.ts';
import { u16At, u32At } from '#protocol/bgp/wire/bytes.ts';
import { addressBits, Family } from '#protocol/bgp/wire/families.ts';
import { HEADER_BYTES as BGP_HEADER_BYTES } from '#protocol/bgp/wire/header.ts';
import { PrefixCursor } from '#protocol/bgp/wire/nlri.ts';
import { parseOpen } from '#protocol/bgp/wire/open.ts';
import { UpdateReader } from '#protocol/bgp/wire/update.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { BmpType, PeerFlag, PeerType } from '../wire/header.ts';

const NAMES = ['routes', 'statistics', 'peer down', 'peer up', 'initiation', 'termination'];

export class Station {
  /** What came besides routes: `peer up 192.0.2.1`, `end loc 257`. */
  readonly lines: string[] = [];
  /** By `192.0.2.1 pre`, `192.0.2.1 post`, `192.0.2.1 out`, `loc`: by prefix, the AS path. */
  readonly tables = new Map<string, Map<string, string>>();
  /** UPDATEs. */
  updates = 0;
  readonly #reader = new UpdateReader();
  readonly #pathIds = new Map<string, readonly number[]>();

  /** @param bytes whole messages */
  take(bytes: Uint8Array): this {
    let at = 0;
    while (at < bytes.length) {
      assert.equal(bytes[at], 3, 'version');
      const length = u32At(bytes, at + 1);
      const type = bytes[at + 5] as number;
      assert.ok(at + length <= bytes.length, 'cut');
      this.#one(type, bytes, at + 6, at + length);
      at += length;
    }
    return this;
  }

  /** The table as `10.0.0.0/8: 64500 7`, sorted. */
  table(name: string): string[] {
    return [...(this.tables.get(name) ?? [])].map(([prefix, path]) => `${prefix}: ${path}`).toSorted();
  }

  #one(type: number, buffer: Uint8Array, start: number, end: number): void {
    if (type === BmpType.initiation || type === BmpType.termination) {
      this.lines.push(NAMES[type] as string);
      return;
    }
    const flags = buffer[start + 1] as number;
    const isIpv6 = (flags & PeerFlag.ipv6) !== 0;
    const isLoc = buffer[start] === PeerType.locRib;
    const who = isLoc ? 'loc' : formatIpAddress(buffer.subarray(start + (isIpv6 ? 10 : 22), start + 26));
    const body = start + 42;
    if (type === BmpType.routeMonitoring) {
      const kind = (flags & PeerFlag.adjRibOut) !== 0 ? 'out' : (flags & PeerFlag.postPolicy) !== 0 ? 'post' : 'pre';
      this.#update(isLoc ? 'loc' : `${who} ${kind}`, who, (flags & PeerFlag.shortAs) !== 0, buffer, body, end);
      return;
    }
    if (type === BmpType.peerUp) this.#peerUp(who, buffer, body + 20, end);
    if (type === BmpType.peerDown)
      for (const name of this.tables.keys()) if (name.startsWith(`${who} `)) this.tables.delete(name);
    const more =
      type === BmpType.peerDown
        ? ` ${buffer[body]}`
        : type === BmpType.statisticsReport
          ? ` ${u32At(buffer, body)}`
          : '';
    this.lines.push(`${NAMES[type]} ${who}${more}`);
  }

  #peerUp(who: string, buffer: Uint8Array, at: number, end: number): void {
    const sentEnd = at + u16At(buffer, at + 16);
    const receivedEnd = sentEnd + u16At(buffer, sentEnd + 16);
    assert.ok(receivedEnd <= end);
    const sent = parseOpen(buffer, at + BGP_HEADER_BYTES, sentEnd);
    const received = parseOpen(buffer, sentEnd + BGP_HEADER_BYTES, receivedEnd);
    const receives = sent.capabilities.addPath.filter((one) => one.receives).map(({ family }) => family);
    const sends = received.capabilities.addPath.filter((one) => one.sends).map(({ family }) => family);
    this.#pathIds.set(
      who,
      receives.filter((family) => sends.includes(family)),
    );
  }

  #update(table: string, who: string, isShort: boolean, buffer: Uint8Array, start: number, end: number): void {
    assert.equal(u16At(buffer, start + 16), end - start, 'one UPDATE');
    const reader = this.#reader;
    const pathIdFamilies = table.endsWith(' out') ? [] : (this.#pathIds.get(who) ?? []);
    const outcome = reader.read(buffer, start + BGP_HEADER_BYTES, end, {
      ...{ asBytes: isShort ? 2 : 4, isExternal: true, firstAs: 0, takesAsSets: true, pathIdFamilies },
      ...{ families: Object.values(Family), ipv6NextHopFamilies: [Family.ipv4Unicast] },
    });
    // LOCAL_PREF is in what internal neighbours and import have made; the next hop of the router's own routes is zero.
    const { faultCode } = reader;
    const isLeft = [AttributeCode.localPref, AttributeCode.nextHop, AttributeCode.mpReach].some(
      (code) => code === faultCode,
    );
    assert.ok(outcome === Outcome.ok || isLeft, reader.fault?.reason);
    if (reader.endOfRib !== 0) {
      this.lines.push(`end ${table} ${reader.endOfRib}`);
      return;
    }
    this.updates++;
    const known = this.tables.get(table) ?? new Map<string, string>();
    this.tables.set(table, known);
    const { fields } = reader;
    const keys = (family: number, from: number, to: number): string[] => {
      const hasPathIds = pathIdFamilies.includes(family);
      const cursor = new PrefixCursor().reset(fields.buffer, from, to, hasPathIds);
      const found: string[] = [];
      while (cursor.next())
        found.push(
          prefixText(cursor.address, cursor.length, addressBits(family)) + (hasPathIds ? ` ${cursor.pathId}` : ''),
        );
      return found;
    };
    for (const key of [
      ...keys(Family.ipv4Unicast, fields.withdrawnAt, fields.withdrawnEnd),
      ...(reader.unreachFamily === 0 ? [] : keys(reader.unreachFamily, reader.unreachAt, reader.unreachEnd)),
    ])
      known.delete(key);
    const path: number[] = [];
    const size = isShort ? 2 : 4;
    const pathEnd = reader.valueEnd[AttributeCode.asPath] as number;
    for (let at = (reader.valueAt[AttributeCode.asPath] as number) + 2; at < pathEnd; at += size)
      path.push(isShort ? u16At(fields.buffer, at) : u32At(fields.buffer, at));
    for (const key of [
      ...keys(Family.ipv4Unicast, fields.nlriAt, fields.nlriEnd),
      ...(reader.reachFamily === 0 ? [] : keys(reader.reachFamily, reader.reachAt, reader.reachEnd)),
    ])
      known.set(key, path.join(' '));
  }
}
