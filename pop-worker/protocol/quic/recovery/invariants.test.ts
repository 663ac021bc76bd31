import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NewReno } from '#protocol/congestion/newreno.ts';
import { QuicError, TransportError } from '../errors.ts';
import { FrameKind } from './frame-kind.ts';
import { Mtu } from './mtu.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import { Recovery, type RecoverySink, Space } from './recovery.ts';
import { ackOf, DATA } from './testing/harness.ts';

const SPACES = [Space.initial, Space.handshake, Space.application] as const;

/** Counts what became of each record; `a` is unique. */
class Ledger implements RecoverySink {
  readonly acked = new Map<number, number>();
  readonly lost = new Map<number, number>();
  readonly sent = new Set<number>();

  frameAcked(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    this.#check(space, kind, a, b, c);
    this.acked.set(a, (this.acked.get(a) ?? 0) + 1);
  }

  frameLost(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    this.#check(space, kind, a, b, c);
    assert.ok(!this.acked.has(a), 'never lost after it was acknowledged');
    this.lost.set(a, (this.lost.get(a) ?? 0) + 1);
  }

  frameProbe(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    this.#check(space, kind, a, b, c);
    assert.ok(!this.acked.has(a) && !this.lost.has(a));
  }

  packetLost(): void {}

  mtuChanged(): void {}

  /** Records arrive as they were noted. */
  #check(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    assert.ok(this.sent.has(a));
    assert.deepEqual([kind, b, c], [FrameKind.stream, space, a * 2]);
  }
}

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      send: fc.integer({ min: 1, max: 30 }),
      skip: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2),
      kind: fc.nat(9),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ ack: fc.array(fc.tuple(fc.nat(8), fc.nat(12)), { minLength: 1, maxLength: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ wait: fc.nat(400_000) }) },
  { weight: 1, arbitrary: fc.record({ timeout: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ path: true }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;
const step = fc.record({ space: fc.constantFrom(...SPACES), action });

class Driver {
  readonly ledger = new Ledger();
  readonly recovery: Recovery;
  now = 0;
  #record = 0;
  #path = 0;

  constructor(isServer: boolean, adaptiveReordering: boolean) {
    const controller = (options: ConstructorParameters<typeof NewReno>[0]): NewReno => new NewReno(options);
    const options = {
      isServer,
      controller,
      mtu: new Mtu(),
      random: () => 0.5,
      ecn: true,
      adaptiveReordering,
      maxPackets: 512,
    };
    this.recovery = new Recovery(options, this.ledger);
    this.recovery.onHandshakeConfirmed();
    this.recovery.mtu.start(0);
  }

  apply(space: Space, what: Action): void {
    if ('send' in what) this.#send(space, what.send, what.skip, what.kind);
    else if ('ack' in what) this.#ack(space, what.ack);
    else if ('wait' in what) this.now += what.wait;
    else if ('path' in what) this.recovery.onPathChange(++this.#path, this.now);
    else this.#timeout(space, what.timeout);
  }

  #send(space: Space, packets: number, skip: number, kind: number): void {
    const sent = this.recovery.sent(space);
    for (let i = 0; i < packets && sent.hasRoom(3); i++) {
      sent.begin(sent.nextPacketNumber + (i === 0 ? skip : 0));
      for (let frames = kind % 4; frames > 0; frames--) {
        const record = this.#record++;
        this.ledger.sent.add(record);
        sent.frame(FrameKind.stream, record, space, record * 2);
      }
      const flags = kind === 0 ? 0 : kind === 1 ? PacketFlag.inFlight : kind === 2 ? DATA | PacketFlag.mtuProbe : DATA;
      this.recovery.onPacketSent(space, this.now, 100 + kind, flags, kind === 9 ? this.#path + 1 : this.#path);
    }
  }

  #ack(space: Space, steps: readonly (readonly [number, number])[]): void {
    const ranges: [number, number][] = [];
    let at = this.recovery.sent(space).nextPacketNumber;
    for (const [gap, length] of steps) {
      const high = at - gap;
      if (high < 0) break;
      ranges.push([Math.max(0, high - length), high]);
      at = high - length - 2;
    }
    if (ranges.length === 0) return;
    const before = this.ledger.acked.size;
    try {
      this.recovery.onAckReceived(space, ackOf(...ranges), 1000, this.now);
    } catch (error) {
      assert.ok(error instanceof QuicError && error.fault === 'remote');
      assert.equal(error.code, TransportError.protocolViolation);
      assert.equal(this.ledger.acked.size, before, 'nothing was done');
    }
  }

  #timeout(space: Space, probe: boolean): void {
    const deadline = this.recovery.deadline();
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.now = Math.max(this.now, deadline);
    assert.notEqual(this.recovery.onTimeout(this.now), 'none', 'the deadline was reached');
    if (probe) this.recovery.probe(space);
  }

  check(): void {
    let inFlight = 0;
    let eliciting = 0;
    let inFlightPackets = 0;
    for (const space of SPACES) {
      const sent = this.recovery.sent(space);
      for (let n = sent.base; n < sent.nextPacketNumber; n++) {
        const slot = sent.slot(n);
        const flags = sent.flags[slot] as number;
        const open = (flags & (PacketState.acked | PacketState.lost | PacketState.skipped)) === 0;
        const counts = (flags & PacketState.counted) !== 0;
        if (open && (flags & PacketFlag.ackEliciting) !== 0) eliciting++;
        if (open && (flags & PacketFlag.inFlight) !== 0) inFlightPackets++;
        if (open && counts) inFlight += sent.bytes[slot] as number;
      }
      assert.ok(sent.count <= 512 && sent.frames.next - sent.frames.base <= 2048);
    }
    assert.equal(this.recovery.bytesInFlight, inFlight);
    // The handshake is confirmed: there is a timer when something is waited for, and none when nothing is.
    const hasTimer = this.recovery.deadline() !== Number.POSITIVE_INFINITY;
    if (eliciting > 0) assert.ok(hasTimer);
    if (inFlightPackets === 0) assert.ok(!hasTimer);
    assert.ok([...this.ledger.acked.values(), ...this.ledger.lost.values()].every((times) => times === 1));
    assert.ok(this.recovery.controller.congestionWindow >= 2400);
  }

  /** Everything that is still open is acknowledged (but for what was skipped). */
  finish(): void {
    for (const space of SPACES) {
      const sent = this.recovery.sent(space);
      for (let n = sent.firstUnacked(sent.base); n < sent.nextPacketNumber; n = sent.firstUnacked(n + 1)) {
        this.recovery.onAckReceived(space, ackOf([n, n]), 0, this.now);
      }
    }
    assert.equal(this.recovery.bytesInFlight, 0);
    for (const record of this.ledger.sent) {
      assert.ok(this.ledger.acked.has(record) || this.ledger.lost.has(record), `record ${record} has a fate`);
    }
  }
}

test('whatever is sent, acknowledged, lost, late, forged: counts agree and each record has one fate', () => {
  let late = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.boolean(),
      fc.boolean(),
      (steps, isServer, adaptive) => {
        const driver = new Driver(isServer, adaptive);
        for (const { space, action: what } of steps) {
          driver.apply(space, what);
          driver.check();
        }
        driver.finish();
        late += driver.recovery.stats.spuriousLosses;
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(late > 100, 'the runs got that far');
});

test('a peer that acknowledges one packet in fifty for ever does not fill memory', () => {
  const driver = new Driver(true, false);
  const { recovery } = driver;
  const sent = recovery.sent(Space.application);
  for (let i = 0; i < 50_000; i++) {
    // Time stands still: nothing is forgotten for its age.
    assert.ok(sent.hasRoom(1));
    sent.begin(sent.nextPacketNumber);
    recovery.onPacketSent(Space.application, driver.now, 1200, DATA);
    if (i % 50 === 49) recovery.onAckReceived(Space.application, ackOf([i, i]), 0, driver.now);
  }
  assert.ok(sent.capacity <= 512);
});
