import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameKind } from '../recovery/frame-kind.ts';
import { LIMITS, type Packet, Peer, pair, pattern, settle } from './testing/peer.ts';

/** Delivers, loses, repeats and reorders packets as `choices` say, and acknowledges or declares lost accordingly. */
const transfer = (from: Peer, to: Peer, choices: number[], sizes: number[]): void => {
  let step = 0;
  const choose = (): number => choices[step++ % choices.length] as number;
  let held: Packet[] = [];
  for (let round = 0; round < 4000; round++) {
    // Later on nothing is lost, so that it ends.
    const calm = round > 200;
    const packet = from.packet(sizes[round % sizes.length]);
    if (packet !== undefined) held.push(packet);
    let answered = false;
    for (let back = to.packet(); back !== undefined; back = to.packet()) {
      answered = true;
      if (calm || choose() % 4 > 0) {
        from.receive(back);
        to.acked(back);
      } else to.lost(back);
    }
    if (packet === undefined && held.length === 0) {
      if (!answered && !from.streams.pending) return;
      continue;
    }
    if (packet !== undefined && !calm && choose() % 3 > 0) continue;
    const i = calm ? 0 : choose() % held.length;
    const [chosen] = held.splice(i, 1) as [Packet];
    const fate = calm ? 0 : choose() % 5;
    if (fate !== 1) to.receive(chosen);
    if (fate === 2) to.receive(chosen);
    if (fate === 1 || fate === 3) from.lost(chosen);
    // Spurious loss: it arrived, is acknowledged after all, and again by nobody.
    if (fate !== 1) from.acked(chosen);
    if (fate === 4) held = held.reverse();
  }
  assert.fail('the transfer does not end');
};

const sameBytes = (a: number[], b: number[]): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

test('§2.2, §13.3: whatever happens to packets, each byte arrives once, in order, and chunks are let go', () => {
  const seed = fc.array(fc.nat(1000), { minLength: 20, maxLength: 200 });
  const sizes = fc.array(fc.integer({ min: 40, max: 400 }), { minLength: 1, maxLength: 5 });
  const chunks = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(seed, sizes, fc.array(chunks, { minLength: 1, maxLength: 3 }), (choices, packetSizes, streams) => {
      const [a, b] = pair();
      const sent = new Map<number, number[]>();
      for (const lengths of streams) {
        const id = a.streams.openStream(false);
        const bytes: number[] = [];
        sent.set(id, bytes);
        lengths.forEach((length, i) => {
          const chunk = pattern(length, id + i);
          bytes.push(...chunk);
          a.streams.write(id, chunk, i === lengths.length - 1);
        });
      }
      transfer(a, b, choices, packetSizes);
      a.tick();
      b.tick();
      for (const [id, bytes] of sent) {
        // Not deepEqual: its report of a difference takes a second, at every step of the search for the smallest case.
        assert.ok(sameBytes(b.received.get(id) ?? [], bytes), `stream ${id} differs`);
        assert.ok(b.ended.has(id));
      }
      assert.deepEqual([a.streams.size, b.streams.size, b.streams.earlyBlocks], [0, 0, 0]);
    }),
    { numRuns: 60 },
  );
});

test('§19.8: a frame that fills its packet has no length, others have; every size works', () => {
  for (let size = 40; size < 200; size++) {
    const [a, b] = pair();
    const id = a.streams.openStream(true);
    a.streams.write(id, pattern(150), true);
    settle(a, b, size);
    assert.deepEqual(Uint8Array.from(b.received.get(id) ?? []), pattern(150));
  }
});

test('§4.1: limits of stream and connection are never exceeded, and blocking is said once a limit', () => {
  const [a, b] = pair();
  b.consumes = false;
  const ids = Array.from({ length: 6 }, () => a.streams.openStream(false));
  for (const id of ids) a.streams.write(id, pattern(20_000), false);
  const packets = a.packets(1000);
  const highest = new Map<number, number>();
  for (const [kind, id, offset, length] of packets.flatMap((packet) => packet.frames)) {
    if (kind === FrameKind.stream) highest.set(id, Math.max(highest.get(id) ?? 0, offset + length));
  }
  const total = [...highest.values()].reduce((sum, bytes) => sum + bytes, 0);
  assert.equal(total, LIMITS.initialMaxData);
  for (const bytes of highest.values()) assert.ok(bytes <= LIMITS.initialMaxStreamDataUni);
  const blocked = packets.flatMap((packet) => packet.frames).filter(([kind]) => kind === FrameKind.dataBlocked);
  assert.deepEqual(blocked, [[FrameKind.dataBlocked, LIMITS.initialMaxData, 0, 0]]);
  for (const packet of packets) b.receive(packet);
  assert.equal(a.packet(), undefined);
});

test('§4.1: a stream at its own limit says so once, and goes on with more credit', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(15_000), true);
  const frames = a.packets(1000).flatMap((packet) => packet.frames);
  assert.deepEqual(
    frames.filter(([kind]) => kind === FrameKind.streamDataBlocked),
    [[FrameKind.streamDataBlocked, id, LIMITS.initialMaxStreamDataUni, 0]],
  );
  a.streams.maxStreamData(id, 9000);
  assert.equal(a.packet(), undefined);
  a.streams.maxStreamData(id, 12_000);
  const more = a.packets(1000).flatMap((packet) => packet.frames);
  assert.equal(
    more.filter(([kind]) => kind === FrameKind.stream).reduce((sum, [, , , n]) => sum + n, 0),
    2000,
  );
  assert.equal(more.filter(([kind]) => kind === FrameKind.streamDataBlocked).length, 1);
  assert.equal(b.events.length, 0);
});

test('§4.2: credit flows back as bytes are consumed, and windows grow when they are what limits', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(false);
  const bytes = pattern(300_000);
  a.streams.write(id, bytes, true);
  settle(a, b, 1200);
  assert.equal(b.received.get(id)?.length, bytes.length);
  const [slow, reader] = pair();
  const other = slow.streams.openStream(false);
  slow.streams.write(other, bytes, true);
  let updates = 0;
  for (let packet = slow.packet(1200); packet !== undefined; packet = slow.packet(1200)) {
    reader.receive(packet);
    reader.tick(20_000);
    for (const back of reader.packets()) {
      updates += back.frames.filter(([kind]) => kind === FrameKind.maxStreamData).length;
      slow.receive(back);
    }
  }
  // A slow path: the window stays, and a quarter of it is worth a frame.
  assert.ok(updates > 60 && updates < 130, `${updates} updates`);
});

test('§4.2: a window that is consumed within a round trip doubles, up to its maximum', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(200_000), true);
  const limits: number[] = [];
  for (let packet = a.packet(1000); packet !== undefined; packet = a.packet(1000)) {
    b.receive(packet);
    b.tick(100);
    for (const back of b.packets()) {
      for (const [kind, , limit] of back.frames)
        if (kind === FrameKind.maxStreamData) limits.push(limit - (b.received.get(id)?.length ?? 0));
      a.receive(back);
    }
  }
  assert.deepEqual([limits[0], Math.max(...limits)], [LIMITS.initialMaxStreamDataUni, 50_000]);
  for (let i = 1; i < limits.length; i++) assert.ok((limits[i] as number) >= (limits[i - 1] as number));
});

test('a lost FIN goes again, alone if the bytes are there (§13.3)', () => {
  const [a] = pair();
  const id = a.streams.openStream(false);
  a.streams.write(id, pattern(50), false);
  const data = a.packet() as Packet;
  a.streams.write(id, new Uint8Array(0), true);
  const fin = a.packet() as Packet;
  assert.deepEqual(fin.frames, [[FrameKind.streamFin, id, 50, 0]]);
  a.acked(data);
  a.lost(fin);
  assert.deepEqual(a.packet()?.frames, fin.frames);
  a.acked(fin);
  a.tick();
  assert.deepEqual(a.events, [`closed ${id}`]);
});

test('§13.3: control frames are repeated when lost, with what holds by then', () => {
  const [a, b] = pair();
  const id = a.streams.openStream(true);
  a.streams.write(id, pattern(6000), false);
  for (const packet of a.packets(1000)) b.receive(packet);
  const update = b.packet();
  assert.deepEqual(update?.frames.map(([kind]) => kind).includes(FrameKind.maxStreamData), true);
  b.lost(update as Packet);
  const again = b.packet();
  assert.deepEqual(again?.frames, update?.frames);
  a.receive(again as Packet);
  a.streams.write(id, pattern(9000), false);
  for (const packet of a.packets(1000)) b.receive(packet);
  const newer = b.packet();
  b.lost(again as Packet);
  assert.equal(b.packet(), undefined);
  assert.ok((newer?.frames.length ?? 0) > 0);
});

test('0-RTT rejected: everything goes again, within the new limits (§7.4.1)', () => {
  const client = new Peer(false);
  const server = new Peer(true);
  client.streams.setPeerLimits(LIMITS, 'remembered');
  const ids = [client.streams.openStream(true), client.streams.openStream(true), client.streams.openStream(true)];
  for (const id of ids) client.streams.write(id, pattern(3000, id), true);
  client.streams.reset(ids[2] as number, 9);
  const early = client.packets(500);
  client.streams.onEarlyDataRejected();
  for (const packet of early) client.lost(packet);
  assert.equal(client.packets(500).length, 0);
  const fewer = { ...LIMITS, initialMaxData: 4000, initialMaxStreamsBidi: 1 };
  client.streams.setPeerLimits(fewer, 'final');
  const packets = client.packets(500);
  const named = new Set(packets.flatMap((packet) => packet.frames).map(([, id]) => id));
  assert.deepEqual([...named], [ids[0]]);
  for (const packet of packets) {
    server.receive(packet);
    client.acked(packet);
  }
  client.streams.maxStreams(true, 8);
  settle(client, server, 500);
  assert.deepEqual(Uint8Array.from(server.received.get(ids[1] as number) ?? []), pattern(3000, ids[1]));
  assert.deepEqual(
    server.events.filter((event) => event.startsWith('reset')),
    [`reset ${ids[2]} 9`],
  );
});

test('§7.4.1: accepted 0-RTT with lower limits is a PROTOCOL_VIOLATION, with higher ones all goes on', () => {
  for (const key of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const client = new Peer(false);
    client.streams.setPeerLimits(LIMITS, 'remembered');
    assert.throws(() => client.streams.setPeerLimits({ ...LIMITS, [key]: LIMITS[key] - 1 }, 'final'), {
      code: 0x0a,
      fault: 'remote',
    });
  }
  const client = new Peer(false);
  client.streams.setPeerLimits(LIMITS, 'remembered');
  const id = client.streams.openStream(false);
  client.streams.write(id, pattern(12_000), true);
  client.packets();
  client.streams.setPeerLimits({ ...LIMITS, initialMaxStreamDataUni: 20_000 }, 'final');
  const bytes = client
    .packets(1000)
    .flatMap((packet) => packet.frames)
    .reduce((sum, [, , , n]) => sum + n, 0);
  assert.equal(bytes, 2000);
});

test('priorities: higher first; incremental ones share packet by packet, others go one after the other (§2.3)', () => {
  const [a] = pair();
  const order = (settings: [number, boolean][]): number[] => {
    const ids = settings.map(([urgency, incremental]) => {
      const id = a.streams.openStream(false);
      a.streams.setPriority(id, urgency, incremental);
      a.streams.write(id, pattern(200), true);
      return id;
    });
    return a.packets(110).map((packet) => ids.indexOf(packet.frames[0]?.[1] as number));
  };
  assert.deepEqual(
    order([
      [0, true],
      [0, true],
      [3, true],
    ]).slice(0, 6),
    [2, 2, 0, 1, 0, 1],
  );
  assert.deepEqual(
    order([
      [0, false],
      [0, false],
    ]).slice(0, 4),
    [0, 0, 1, 1],
  );
});

test('streamWritable: once all queued bytes were sent, not for what is sent again', () => {
  const [a] = pair();
  let writable = 0;
  const id = a.streams.openStream(false);
  a.onWritable = () => {
    if (++writable < 3) a.streams.write(id, pattern(100), false);
  };
  a.streams.write(id, pattern(300), false);
  assert.equal(a.streams.bufferedBytes(id), 300);
  const packets = a.packets();
  assert.deepEqual([writable, a.streams.bufferedBytes(id)], [3, 0]);
  a.lost(packets[0] as Packet);
  assert.equal(a.packets().length, 1);
  assert.equal(writable, 3);
});
