import type { TimeUs } from '#protocol/contract.ts';
import type { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { Events } from '../events.ts';
import type { Next } from './packet.ts';

/** Propagation. @param us asked anew for each packet */
export const delay =
  (events: Events, us: () => TimeUs, next: Next): Next =>
  (packet) =>
    events.plan(events.now + us(), () => next(packet));

/** Up to so much more delay for each packet; order is kept, as a radio link keeps it. */
export const jitter = (events: Events, random: SeededRandom, us: TimeUs, next: Next): Next => {
  let last = 0;
  return (packet) => {
    last = Math.max(last, events.now + random.next() * us);
    events.plan(last, () => next(packet));
  };
};

/** A share of packets overtaken by those behind them. @param us how much later they come */
export const reorder =
  (events: Events, random: SeededRandom, share: number, us: TimeUs, next: Next): Next =>
  (packet) => {
    if (random.next() >= share) next(packet);
    else events.plan(events.now + us, () => next(packet));
  };

/** A share of packets vanishes. */
export const loss =
  (random: SeededRandom, share: number, next: Next): Next =>
  (packet) => {
    if (random.next() >= share) next(packet);
  };

/** Loss in bursts, by two states (Gilbert): packets vanish while it is bad. @param lengths mean packets of good and bad times */
export const burstLoss = (random: SeededRandom, good: number, bad: number, next: Next): Next => {
  let isBad = false;
  return (packet) => {
    if (random.next() < 1 / (isBad ? bad : good)) isBad = !isBad;
    if (!isBad) next(packet);
  };
};

/** Packets wait for the next slot and leave together, as on a radio link that grants times to send. @param us asked anew for each; 0: none */
export const slots =
  (events: Events, us: () => TimeUs, next: Next): Next =>
  (packet) => {
    const slot = us();
    if (slot === 0) next(packet);
    else events.plan((Math.floor(events.now / slot) + 1) * slot, () => next(packet));
  };

/** ACK compression: now and then all that comes is held for a time and let go at once. @param share of packets that begin it */
export const compress = (events: Events, random: SeededRandom, share: number, us: TimeUs, next: Next): Next => {
  let heldUntil = -1;
  return (packet) => {
    if (events.now > heldUntil && random.next() < share) heldUntil = events.now + us;
    if (events.now > heldUntil) next(packet);
    else events.plan(heldUntil, () => next(packet));
  };
};

/** A token bucket without a queue: what it has no tokens for is dropped. */
export const policer = (events: Events, bitsPerSecond: number, burstBytes: number, next: Next): Next => {
  let tokens = burstBytes;
  let filledAt = 0;
  return (packet) => {
    tokens = Math.min(burstBytes, tokens + ((events.now - filledAt) * bitsPerSecond) / 8e6);
    filledAt = events.now;
    if (tokens < packet.size) return;
    tokens -= packet.size;
    next(packet);
  };
};
