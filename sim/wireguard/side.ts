import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { Burst, D_LENGTH, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { SeededRandom } from '#protocol/quic/testing/random.ts';
import { P_LENGTH, P_OFFSET, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import { IN_WORDS } from '#protocol/wireguard/packets.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { Events } from '../events.ts';
import { Keys } from './keys.ts';
import type { Rules } from './rules.ts';

/** Wall time at the beginning. */
const START_UNIX_US = 1_790_000_000e6;
const ADDRESS_WORDS = 6;

/** 10.9.`net`.`host`, as six words of `address.ts`. */
export const addressOf = (net: number, host: number): Int32Array =>
  Int32Array.of((51820 << 16) | 4, 0, (host << 24) | (net << 16) | (9 << 8) | 10, 0, 0, 0);

/** @param send takes a datagram and where it goes @param deliver takes a packet out of the tunnel */
export interface SideOptions {
  readonly number: 0 | 1;
  readonly seed: number;
  readonly rules: Rules;
  send(bytes: Uint8Array, to: Int32Array): void;
  deliver(packet: Uint8Array): void;
}

/** A core with an address, a wall clock, and nobody but the other side as its peer. */
export class Side {
  readonly number: 0 | 1;
  readonly keys: Keys;
  readonly core: WireGuard;
  address: Int32Array;
  /** Error of its wall clock. */
  wallOffsetUs = 0;
  readonly #events: Events;
  readonly #options: SideOptions;
  readonly #out = new Burst(1 << 17, 256);
  readonly #in = new Burst(2048, 1);
  #peer: Peer | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(events: Events, options: SideOptions) {
    const { number, seed, rules } = options;
    this.number = number;
    this.#events = events;
    this.#options = options;
    this.keys = new Keys(events, rules, number);
    this.address = addressOf(number, 1);
    const random = new SeededRandom(2 * seed + number);
    const privateKey = new Uint8Array(32);
    random.fill(privateKey);
    this.core = new WireGuard({
      isAnycast: true,
      ...{ privateKey, random, ports: this.keys.watch(enginePorts()) },
      unixUs: () => START_UNIX_US + events.now + this.wallOffsetUs,
      sink: {
        packets: (buffer, words, count) => {
          for (let i = 0; i < count; i++) {
            const at = words[i * PACKET_WORDS + P_OFFSET] as number;
            options.deliver(buffer.slice(at, at + (words[i * PACKET_WORDS + P_LENGTH] as number)));
          }
        },
        confirmed: () => {},
        moved: () => {},
      },
    });
  }

  get peer(): Peer {
    if (this.#peer === undefined) throw new Error('A side has a peer once it knows the other.');
    return this.#peer;
  }

  /** @param endpoint where the other is, if that is known */
  knows(other: Side, endpoint?: Int32Array): void {
    const allowedIps = [parsePrefix(`10.0.${other.number}.0/24`)].filter((prefix) => prefix !== undefined);
    const { publicKey } = other.core;
    this.#peer = this.core.addPeer({ number: other.number, publicKey, allowedIps, ...(endpoint && { endpoint }) });
  }

  offers(packet: Uint8Array): void {
    const words = new Int32Array(IN_WORDS);
    words.set([0, packet.length]);
    this.core.handle({ kind: 'packets', packets: { buffer: packet, words, count: 1 } }, this.#events.now);
    this.poll();
  }

  receives(bytes: Uint8Array, from: Int32Array): void {
    const burst = this.#in;
    burst.clear();
    burst.buffer.set(bytes);
    burst.commit(bytes.length, 0, from, 0, this.address, 0);
    this.core.handle({ kind: 'datagrams', burst }, this.#events.now);
  }

  /** Sends what there is to send, and sees that it is woken for the next. */
  poll(): void {
    const out = this.#out;
    for (out.clear(); this.core.poll(this.#events.now, out); out.clear()) this.#send(out);
    const at = this.core.deadline();
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#events.plan(at, () => this.#wake(at));
  }

  /** A plan that a later one replaced wakes nobody. */
  #wake(at: number): void {
    if (this.#wakeAt !== at) return;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.core.handle({ kind: 'time' }, this.#events.now);
    this.poll();
  }

  #send({ words, buffer, count }: Burst): void {
    for (let i = 0; i < count; i++) {
      const base = i * DESCRIPTOR_WORDS;
      const start = words[base + D_OFFSET] as number;
      const end = start + (words[base + D_LENGTH] as number);
      const segment = words[base + D_SEGMENT] as number;
      const to = words.slice(base + D_REMOTE, base + D_REMOTE + ADDRESS_WORDS);
      for (let at = start; at < end; at += segment) {
        this.#options.send(buffer.slice(at, Math.min(at + segment, end)), to);
      }
    }
  }
}
