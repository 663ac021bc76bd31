import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeliveryColumns, type RateSample, RateSampler } from './rate-sampler.ts';

const BYTES = 1000;

/** A sender of 1000-byte packets with a clock in microseconds. */
class Sender {
  readonly sampler = new RateSampler();
  readonly columns: DeliveryColumns = {
    sentTime: new Float64Array(1000),
    delivered: new Float64Array(1000),
    deliveredTime: new Float64Array(1000),
    firstSentTime: new Float64Array(1000),
    txInFlight: new Float64Array(1000),
    lost: new Float64Array(1000),
  };
  readonly #limited = new Set<number>();
  #next = 0;
  inFlight = 0;

  send(now: number, packets: number): void {
    for (let i = 0; i < packets; i++) {
      const slot = this.#next++;
      this.columns.sentTime[slot] = now;
      if (this.sampler.isAppLimited) this.#limited.add(slot);
      this.sampler.onPacketSent(this.columns, slot, now, this.inFlight, this.inFlight + BYTES);
      this.inFlight += BYTES;
    }
  }

  ack(now: number, from: number, to: number, minRtt: number): RateSample {
    this.sampler.begin(this.inFlight);
    for (let n = from; n <= to; n++) {
      this.sampler.onPacketAcked(this.columns, n, n, BYTES, this.#limited.has(n), now);
      this.inFlight -= BYTES;
    }
    return this.sampler.finish(now, minRtt, minRtt);
  }
}

test('a flight that was sent at once is measured by its ACKs', () => {
  const s = new Sender();
  s.send(0, 10);
  const first = s.ack(100_000, 0, 0, 100_000);
  assert.equal(first.delivered, 1000);
  assert.equal(first.intervalUs, 100_000);
  assert.equal(first.deliveryRate, 10_000);
  assert.equal(first.rttUs, 100_000);
  s.send(100_000, 1);
  for (let n = 1; n < 10; n++) s.ack(100_000 + n * 1000, n, n, 100_000);
  const last = s.ack(200_000, 10, 10, 100_000);
  assert.equal(last.priorDelivered, 1000);
  assert.equal(last.delivered, 10_000);
  assert.equal(last.deliveryRate, 100_000, '10 kB in the 100 ms since it was sent');
});

test('§4.1.1.2.4: ACKs that arrive compressed do not look faster than the packets were sent', () => {
  const s = new Sender();
  for (let i = 0; i < 10; i++) s.send(i * 10_000, 1);
  const sample = s.ack(100_000, 0, 9, 10_000);
  assert.equal(sample.delivered, 10_000);
  assert.equal(sample.intervalUs, 100_000);
  assert.equal(sample.deliveryRate, 100_000);
  assert.equal(sample.largestSentTime, 90_000);
  assert.equal(sample.rttUs, 10_000);
});

test('§4.1.2.3: an interval below the shortest round trip gives no rate', () => {
  const s = new Sender();
  s.send(0, 1);
  const sample = s.ack(50_000, 0, 0, 100_000);
  assert.equal(sample.deliveryRate, 0);
  assert.equal(sample.intervalUs, 0);
  assert.equal(sample.rttUs, 50_000);
});

test('§4.1.1.3: samples are application-limited until the bubble has passed', () => {
  const s = new Sender();
  s.send(0, 2);
  s.sampler.onApplicationLimited(s.inFlight);
  s.send(10_000, 2);
  assert.equal(s.ack(100_000, 0, 1, 100_000).isAppLimited, false, 'sent before');
  assert.equal(s.sampler.isAppLimited, true, 'delivered equals the mark');
  assert.equal(s.ack(110_000, 2, 2, 100_000).isAppLimited, true);
  assert.equal(s.sampler.isAppLimited, false);
  assert.equal(s.ack(110_000, 3, 3, 100_000).isAppLimited, true, 'sent within the bubble');
});

test('§5.5.1: a round ends when something sent after its start is delivered', () => {
  const s = new Sender();
  s.send(0, 4);
  assert.equal(s.ack(10, 0, 0, 10).roundCount, 1);
  s.send(10, 1); // 4: sent with 1000 delivered
  assert.equal(s.ack(12, 1, 1, 10).roundCount, 1);
  assert.equal(s.ack(13, 2, 3, 10).roundCount, 1);
  assert.equal(s.ack(20, 4, 4, 10).roundCount, 2);
});

test('what was lost since the newest packet was sent', () => {
  const s = new Sender();
  s.send(0, 3);
  s.sampler.lost += 2000;
  s.send(5, 1);
  s.sampler.lost += 1000;
  assert.equal(s.ack(100, 2, 2, 1).lost, 3000);
  assert.equal(s.ack(105, 3, 3, 1).lost, 1000);
});

test('draft-ietf-ccwg-bbr §3.7: what came with ECN-CE counts as lost, but no more than the ACK acknowledges', () => {
  const s = new Sender();
  s.send(0, 3);
  s.sampler.begin(s.inFlight);
  s.sampler.sample.newlyAcked = 2000;
  s.sampler.onMarked(1500);
  assert.equal(s.sampler.lost, 1500);
  s.sampler.onMarked(1e9);
  assert.equal(s.sampler.lost, 3500);
});

test('after an idle period the interval begins with the first packet', () => {
  const s = new Sender();
  s.send(0, 1);
  s.ack(100_000, 0, 0, 100_000);
  s.send(10_000_000, 1);
  const sample = s.ack(10_100_000, 1, 1, 100_000);
  assert.equal(sample.intervalUs, 100_000);
  assert.equal(sample.deliveryRate, 10_000);
});

test('an ACK of nothing new has no sample', () => {
  const s = new Sender();
  s.send(0, 1);
  s.sampler.begin(s.inFlight);
  const sample = s.sampler.finish(5, 1, 1);
  assert.deepEqual([sample.rttUs, sample.deliveryRate], [-1, 0]);
});
