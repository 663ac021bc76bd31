import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameKind } from '../recovery/frame-kind.ts';
import type { Recovery } from '../recovery/recovery.ts';
import { parseAckFrequency } from '../wire/frames/ack-frequency.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import type { FrameSink } from '../wire/frames/sink.ts';
import { Reader } from '../wire/reader.ts';
import { AckRequests } from './asking.ts';

const BYTES = 1000;
const USUAL_DELAY = 25_000;

/** What recovery knows, set by hand: packets of 1000 bytes, 40 ms. */
const asking = (minDelayUs: number | undefined = 1000) => {
  const seen = {
    controller: { congestionWindow: 800 * BYTES, state: 'congestion-avoidance' },
    mtu: { datagramBytes: BYTES },
    rtt: { smoothedUs: 40_000 },
    bytesInFlight: 400 * BYTES,
    packetThreshold: 3,
  };
  const requests = new AckRequests(seen as unknown as Recovery);
  requests.setPeer(USUAL_DELAY, minDelayUs);
  let now = 0;
  /** A round trip passes. @returns the frame that is written then, if there is one */
  const round = (): [sequence: number, threshold: number, delayUs: number, reordering: number] | undefined => {
    now += 100_000;
    requests.onAck(now);
    return requests.pending ? write() : undefined;
  };
  const write = () => {
    const buffer = new Uint8Array(64);
    const logged: number[] = [];
    const end = requests.writeFrame(buffer, 0, 64, { frame: (kind, a) => logged.push(kind, a) });
    let fields: [number, number, number, number] | undefined;
    const sink = { ackFrequency: (...values: [number, number, number, number]) => (fields = values) };
    const reader = new Reader().reset(buffer, 0, end);
    assert.equal(reader.varint(), FrameType.ackFrequency);
    parseAckFrequency(reader, FrameType.ackFrequency, sink as unknown as FrameSink);
    assert.deepEqual(logged, [FrameKind.ackFrequency, fields?.[0]]);
    return fields;
  };
  return { seen, requests, round, write };
};

test('§8.1: 32 ACKs are wanted of what is in flight, or of the window where that is less', () => {
  assert.deepEqual(asking().round(), [0, 11, 10_000, 3]);
  const small = asking();
  small.seen.controller.congestionWindow = 192 * BYTES;
  assert.deepEqual(small.round(), [0, 5, 10_000, 3]);
  const large = asking();
  large.seen.bytesInFlight = large.seen.controller.congestionWindow = 10_000 * BYTES;
  assert.deepEqual(large.round(), [0, 127, 10_000, 3]);
});

test('§8.1: nothing is asked while the window grows with each ACK, for few packets, or on a short path', () => {
  for (const state of ['slow-start', 'startup']) {
    const { seen, round } = asking();
    seen.controller.state = state;
    assert.equal(round(), undefined);
  }
  const few = asking();
  few.seen.bytesInFlight = 127 * BYTES;
  assert.equal(few.round(), undefined);
  few.seen.bytesInFlight = 128 * BYTES;
  assert.deepEqual(few.round(), [0, 3, 10_000, 3]);
  const short = asking();
  short.seen.rtt.smoothedUs = 3999;
  assert.equal(short.round(), undefined);
});

test('§3: nothing is asked of a peer that declared nothing', () => {
  const { requests, round } = asking(undefined);
  requests.setPeer(USUAL_DELAY, undefined);
  assert.equal(round(), undefined);
  assert.equal(requests.mayDemand, false);
  requests.demand();
  assert.equal(requests.takeDemand(), false);
});

test('§3: an ACK never waits shorter than the peer can, nor longer than it would by itself', () => {
  const exact = asking(9000);
  exact.seen.rtt.smoothedUs = 36_000;
  assert.equal(exact.round()?.[2], 9000);
  exact.seen.rtt.smoothedUs = 2000;
  exact.seen.packetThreshold++;
  assert.equal(exact.round()?.[2], 9000);
  const far = asking();
  far.seen.rtt.smoothedUs = 600_000;
  assert.equal(far.round()?.[2], USUAL_DELAY);
});

test('§8.1: it is asked again when the wish has doubled or halved, once a round trip', () => {
  const { seen, requests, round } = asking();
  assert.equal(round()?.[1], 11);
  seen.bytesInFlight = 700 * BYTES;
  assert.equal(round(), undefined);
  seen.bytesInFlight = 780 * BYTES;
  assert.deepEqual(round(), [1, 23, 10_000, 3]);
  seen.bytesInFlight = 380 * BYTES;
  requests.onAck(0);
  assert.equal(requests.pending, false);
  assert.deepEqual(round(), [2, 10, 10_000, 3]);
  seen.rtt.smoothedUs = 90_000;
  assert.deepEqual(round(), [3, 10, 22_500, 3]);
  seen.controller.state = 'slow-start';
  assert.deepEqual(round(), [4, 1, 22_500, 3]);
});

test('§9: the reordering threshold follows ours', () => {
  const { seen, round } = asking();
  round();
  seen.packetThreshold = 9;
  assert.deepEqual(round(), [1, 11, 10_000, 9]);
});

test('§7: no longer delay is asked for than the probe timeout reckons with, whatever the round trip', () => {
  const { seen, round } = asking();
  for (const smoothedUs of [40_000, 90_000, 200_000, 900_000, 5000, 40_000]) {
    seen.rtt.smoothedUs = smoothedUs;
    assert.ok((round()?.[2] ?? 0) <= USUAL_DELAY);
  }
});

test('§4: a lost frame goes again under a new number, unless a later one went', () => {
  const { requests, round, write } = asking();
  round();
  requests.onLost(0);
  assert.deepEqual([requests.pending, write()], [true, [1, 11, 10_000, 3]]);
  requests.onLost(0);
  assert.equal(requests.pending, false);
});

test('a frame that does not fit waits', () => {
  const { requests } = asking();
  requests.onAck(100_000);
  requests.onAck(200_000);
  assert.equal(requests.pending, true);
  assert.equal(requests.writeFrame(new Uint8Array(64), 0, 33, { frame: () => assert.fail() }), 0);
  assert.equal(requests.pending, true);
});

test('§8.4: another path is looked at anew, at once', () => {
  const { seen, requests, round } = asking();
  assert.equal(round()?.[1], 11);
  seen.bytesInFlight = 800 * BYTES;
  requests.onPathChange();
  requests.onAck(0);
  assert.deepEqual([requests.pending, requests.every], [true, 25]);
});
