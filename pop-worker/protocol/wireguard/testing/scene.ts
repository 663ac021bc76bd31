import { nodePorts } from '#host/wireguard/ports.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../../burst.ts';
import type { Random } from '../../contract.ts';
import type { Keypair } from '../keypairs.ts';
import { P_LENGTH, P_OFFSET, PACKET_WORDS, type PeerOptions, type WireGuardOptions } from '../options.ts';
import { IN_WORDS } from '../packets.ts';
import type { Peer } from '../peer.ts';
import { LEAST_TRANSPORT_BYTES, TRANSPORT } from '../wire/transport.ts';
import { WireGuard } from '../wireguard.ts';
import { sealJob } from './seal-job.ts';

/** Wall time at 0 of a scene. */
const START_UNIX_US = 1_790_000_000e6;

export const address = (host: number, port = 51820): Int32Array =>
  Int32Array.of((port << 16) | 4, 0, (host << 24) | (0 << 16) | 10, 0, 0, 0);

/** Repeatable. */
export const testRandom = (seed: number): Random => {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return {
    fill: (bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        bytes[i] = state;
      }
    },
  };
};

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** An IPv4 packet of UDP's number from 10.0.`from`.1 to 10.0.`to`.1, as the scene's hosts have them. */
export const packet = (from: number, to: number, length = 100, fill = 0): Uint8Array => {
  const bytes = new Uint8Array(length).fill(fill, 20);
  bytes.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, from, 1, 10, 0, to, 1]);
  return bytes;
};

/** A core with an address. */
export class Host {
  readonly id: number;
  readonly core: WireGuard;
  readonly ports = nodePorts();
  /** Packets out of the tunnel. */
  readonly received: Uint8Array[] = [];
  readonly confirmed: Peer[] = [];
  readonly answered: Peer[] = [];
  readonly moved: Peer[] = [];
  address: Int32Array;
  /** Error of its wall clock. */
  wallOffsetUs = 0;
  readonly #out = new Burst(200_000, 64);

  constructor(id: number, now: () => number, options: Partial<WireGuardOptions> = {}) {
    this.id = id;
    this.address = address(id);
    this.core = new WireGuard({
      privateKey: privateKey(id),
      ports: this.ports,
      ...{ random: testRandom(id), isAnycast: true },
      unixUs: () => START_UNIX_US + now() + this.wallOffsetUs,
      sink: {
        packets: (buffer, words, count) => {
          for (let i = 0; i < count; i++) {
            const at = words[i * PACKET_WORDS + P_OFFSET] as number;
            this.received.push(buffer.slice(at, at + (words[i * PACKET_WORDS + P_LENGTH] as number)));
          }
        },
        confirmed: (peer) => this.confirmed.push(peer),
        answered: (peer) => this.answered.push(peer),
        moved: (peer) => this.moved.push(peer),
      },
      ...options,
    });
  }

  poll(now: number): Datagram[] {
    const out = this.#out;
    const sent: Datagram[] = [];
    for (out.clear(); this.core.poll(now, out); out.clear()) {
      for (let i = 0; i < out.count; i++) {
        const words = out.words.subarray(i * DESCRIPTOR_WORDS, (i + 1) * DESCRIPTOR_WORDS);
        const [offset, length, segment] = [words[D_OFFSET]!, words[D_LENGTH]!, words[D_SEGMENT]!];
        for (let at = offset; at < offset + length; at += segment) {
          const bytes = out.buffer.slice(at, Math.min(at + segment, offset + length));
          sent.push({ bytes, from: this.address, to: words.slice(D_REMOTE, D_REMOTE + 6) });
        }
      }
    }
    return sent;
  }

  takes(datagrams: readonly Datagram[], now: number): void {
    const burst = new Burst(1 << 17, 64);
    const flush = (): void => {
      this.core.handle({ kind: 'datagrams', burst }, now);
      burst.clear();
    };
    for (const { bytes, from, to } of datagrams) {
      if (!burst.hasRoom(bytes.length)) flush();
      burst.buffer.set(bytes, burst.used);
      burst.commit(bytes.length, 0, from, 0, to, 0);
    }
    flush();
  }

  sends(packets: readonly Uint8Array[], now: number): void {
    const buffer = Uint8Array.from(Buffer.concat(packets));
    const words = new Int32Array(IN_WORDS * packets.length);
    let at = 0;
    for (const [i, { length }] of packets.entries()) {
      words.set([at, length], IN_WORDS * i);
      at += length;
    }
    this.core.handle({ kind: 'packets', packets: { buffer, words, count: packets.length } }, now);
  }
}

export const privateKey = (id: number): Uint8Array => {
  const key = new Uint8Array(32).fill(id);
  key[31] = 64;
  return key;
};

/** Hosts in virtual time; datagrams take no time, unless `filter` keeps them. */
export class Scene {
  now = 0;
  readonly hosts: Host[] = [];
  /** All that was sent. */
  readonly log: (Datagram & { readonly at: number; readonly host: Host })[] = [];
  /** False: the network loses it. */
  filter: (datagram: Datagram, host: Host) => boolean = () => true;
  /** Which of several hosts with one address gets what is sent there; undefined: all. */
  route: Host | undefined;

  add(id: number, options?: Partial<WireGuardOptions>): Host {
    const host = new Host(id, () => this.now, options);
    this.hosts.push(host);
    return host;
  }

  /** The host gets another as a peer, by 10.0.<id>.0/24 inside. */
  knows(host: Host, other: Host, options: Partial<PeerOptions> = {}): Peer {
    const allowedIps = [parsePrefix(`10.0.${other.id}.0/24`)!];
    return host.core.addPeer({ number: other.id, publicKey: other.core.publicKey, allowedIps, ...options });
  }

  /** Each knows the other; `a` knows where `b` is. */
  join(a: Host, b: Host, options: Partial<PeerOptions> = {}): [Peer, Peer] {
    return [this.knows(a, b, { endpoint: b.address, ...options }), this.knows(b, a)];
  }

  /** Until nobody has anything to say now. */
  settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const host of this.hosts) {
        for (const datagram of host.poll(this.now)) {
          isBusy = true;
          this.log.push({ ...datagram, at: this.now, host });
          if (this.filter(datagram, host)) this.deliver(datagram);
        }
      }
    }
  }

  deliver(datagram: Datagram): void {
    for (const host of this.hosts) {
      if (host.address.join() !== datagram.to.join()) continue;
      const isOther = this.route !== host && this.route?.address.join() === host.address.join();
      if (!isOther) host.takes([datagram], this.now);
    }
  }

  run(us: number): void {
    const end = this.now + us;
    this.settle();
    for (;;) {
      const next = Math.min(...this.hosts.map(({ core }) => core.deadline()));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const { core } of this.hosts) core.handle({ kind: 'time' }, this.now);
      this.settle();
    }
    this.now = end;
  }

  send(from: Host, to: Host, ...lengths: readonly number[]): void {
    from.sends(
      (lengths.length === 0 ? [100] : lengths).map((length) => packet(from.id, to.id, length)),
      this.now,
    );
    this.settle();
  }

  /** Seconds and types of what a host sent, as `0:1`; a keepalive is `k`. */
  trace(host: Host): string[] {
    return this.log
      .filter((each) => each.host === host)
      .map(({ at, bytes }) => `${Math.floor(at / 1e6)}:${bytes[0] === 4 && bytes.length === 32 ? 'k' : bytes[0]}`);
  }
}

/** Two hosts, the first of which knows where the second is. */
export const pair = (options: Partial<PeerOptions> = {}) => {
  const scene = new Scene();
  const [a, b] = [scene.add(1), scene.add(2)];
  const [toB, toA] = scene.join(a, b, options);
  return { scene, a, b, toB, toA };
};

/** A transport message of exactly this content, from outside of a core, with the next counter of a session. */
export const sealWith = ({ ports }: Host, keypair: Keypair, content: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(LEAST_TRANSPORT_BYTES + content.length);
  bytes.set(content, TRANSPORT.content);
  const { keys, remoteIndex: receiver, sendLow: low } = keypair;
  const job = sealJob({ key: keys.send, receiver, low, length: content.length });
  ports.transport.seal(bytes, bytes, job, 1, 0);
  keypair.countSent();
  return bytes;
};

export const descriptorOf = (remote: Int32Array, local: Int32Array): Int32Array => {
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words.set(remote, D_REMOTE);
  words.set(local, D_LOCAL);
  return words;
};
