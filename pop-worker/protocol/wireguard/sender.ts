import { ADDRESS_WORDS } from '../address.ts';
import type { Burst } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import type { Device } from './device.ts';
import { Drop } from './drop.ts';
import type { Initiator } from './initiator.ts';
import type { Keypair } from './keypairs.ts';
import { type Packets, Shape } from './packets.ts';
import type { Peer } from './peer.ts';
import {
  S_CHECKSUM,
  S_COUNTER_HIGH,
  S_COUNTER_LOW,
  S_FLAGS,
  S_FROM,
  S_HEADER,
  S_INTO,
  S_KEY,
  S_LENGTH,
  S_RECEIVER,
  S_SEGMENT,
  S_UPPER,
  SEAL_WORDS,
  SealFlag,
} from './ports.ts';

/** Packets that are sealed in one call, and so the most of one `poll`. */
const BATCH = 256;
const NOTHING = new Uint8Array(0);
/** What UDP over IPv4 carries. */
const MOST_DATAGRAM_BYTES = 65_507;

/** Datagrams out: handshakes, then what waited, then what is to be sent now, written in place and sealed together. */
export class Sender {
  readonly #device: Device;
  readonly #initiator: Initiator;
  readonly #jobs = new Uint32Array(BATCH * SEAL_WORDS);
  readonly #shape = new Shape();
  #count = 0;
  /** Where the packets of the jobs lie. */
  #from: Uint8Array = NOTHING;
  #packets: Packets | undefined;
  #next = 0;

  constructor(device: Device, initiator: Initiator) {
    this.#device = device;
    this.#initiator = initiator;
  }

  /** Whether all packets that were handed in are gone. */
  get isIdle(): boolean {
    return this.#packets === undefined;
  }

  take(packets: Packets): void {
    this.#packets = packets;
    this.#next = 0;
  }

  /** @returns whether there is anything to send in `out` */
  poll(out: Burst, now: TimeUs): boolean {
    const before = out.count;
    const used = out.used;
    if (this.#flushPeers(out, now)) this.#sendPackets(out, now);
    this.#seal(out);
    // Handshakes that the above began come last.
    this.#sendControl(out);
    return out.count > before || out.used > used;
  }

  #sendControl(out: Burst): void {
    const { control } = this.#device;
    let sent = 0;
    for (; sent < control.length; sent++) {
      const { bytes, to } = control[sent] as (typeof control)[number];
      if (!out.hasRoom(bytes.length)) break;
      out.buffer.set(bytes, out.used);
      out.commit(bytes.length, 0, to.words, 0, to.words, ADDRESS_WORDS);
    }
    if (sent > 0) control.splice(0, sent);
  }

  /** @returns false: there was no room for all */
  #flushPeers(out: Burst, now: TimeUs): boolean {
    const { due } = this.#device;
    for (const peer of due) {
      if (!this.#flush(peer, out, now)) return false;
      due.delete(peer);
    }
    return true;
  }

  /** Staged packets, or the keepalive that is due; without a session a handshake. @returns false: there was no room */
  #flush(peer: Peer, out: Burst, now: TimeUs): boolean {
    const keypair = peer.keypairs.current;
    if (keypair?.maySend(now) !== true) {
      peer.keepaliveDue = false;
      this.#initiator.begin(peer, now);
      return true;
    }
    const { mtu } = this.#device;
    for (let packet = peer.staged.first; packet !== undefined; packet = peer.staged.first) {
      // It was read before, when the MTU may have been another.
      const drop = this.#shape.read(packet, 0, mtu) ? this.#write(peer, keypair, packet.buffer, out, now) : Drop.notIp;
      if (drop === undefined) return false;
      this.#device.drop(drop);
      peer.staged.removeFirst();
      peer.keepaliveDue = false;
    }
    this.#shape.whole(0, mtu);
    if (peer.keepaliveDue && this.#write(peer, keypair, NOTHING, out, now) === undefined) return false;
    peer.keepaliveDue = false;
    this.#device.deadlines.set(peer, peer.timers.deadline);
    return true;
  }

  #sendPackets(out: Burst, now: TimeUs): void {
    const packets = this.#packets;
    if (packets === undefined) return;
    const { count } = packets;
    for (; this.#next < count; this.#next++) {
      const drop = this.#sendPacket(packets, this.#next, out, now);
      if (drop === undefined) return;
      this.#device.drop(drop);
    }
    this.#packets = undefined;
  }

  /** @returns undefined when there was no room */
  #sendPacket(packets: Packets, index: number, out: Burst, now: TimeUs): Drop | undefined {
    const device = this.#device;
    const shape = this.#shape;
    if (!shape.read(packets, index, device.mtu)) return Drop.notIp;
    const peer = this.#peerOf(packets, index);
    if (peer?.endpoint.isKnown !== true) {
      device.options.sink.unreachable?.(packets.buffer, shape.at, shape.length);
      return peer === undefined ? Drop.noPeer : Drop.noEndpoint;
    }
    if (shape.messageBytes > MOST_DATAGRAM_BYTES || shape.totalBytes > out.buffer.length) return Drop.tooLarge;
    const keypair = peer.keypairs.current;
    if (keypair?.maySend(now, shape.messages) === true) return this.#write(peer, keypair, packets.buffer, out, now);
    device.drop(Drop.staged, peer.staged.add(packets, index));
    this.#initiator.begin(peer, now);
    return Drop.none;
  }

  #peerOf({ buffer, peers }: Packets, index: number): Peer | undefined {
    const { allowedIps, options, peers: known } = this.#device;
    if (options.isRoutedByCaller === true) return known.get(peers?.[index] ?? -1);
    return known.get(allowedIps.byDestination(buffer, this.#shape.at));
  }

  /** Of what was read last. @returns undefined: there was no room */
  #write(peer: Peer, keypair: Keypair, from: Uint8Array, out: Burst, now: TimeUs): Drop | undefined {
    const device = this.#device;
    const { length, ecn, messages, messageBytes, totalBytes } = this.#shape;
    if (this.#count === BATCH || !out.hasRoomForRun(totalBytes, messageBytes)) return undefined;
    // A call has its packets in one buffer.
    if (from !== this.#from && length > 0) {
      this.#seal(out);
      this.#from = from;
    }
    this.#job(keypair, out.used);
    const { words } = peer.endpoint;
    out.commitRun(totalBytes, messageBytes, ecn, words, 0, words, ADDRESS_WORDS);
    keypair.countSent(messages);
    device.countSent(peer, totalBytes);
    device.totals.sentMessages += messages;
    device.timed(peer, 'authenticatedSent', now);
    if (length > 0) device.timed(peer, 'dataSent', now);
    if (keypair.isStale(now)) this.#initiator.begin(peer, now);
    return Drop.none;
  }

  #job(keypair: Keypair, into: number): void {
    const jobs = this.#jobs;
    const shape = this.#shape;
    const job = this.#count++ * SEAL_WORDS;
    jobs[job + S_KEY] = keypair.keys.send;
    jobs[job + S_RECEIVER] = keypair.remoteIndex;
    jobs[job + S_COUNTER_LOW] = keypair.sendLow;
    jobs[job + S_COUNTER_HIGH] = keypair.sendHigh;
    jobs[job + S_FROM] = shape.at;
    jobs[job + S_LENGTH] = shape.length;
    jobs[job + S_INTO] = into;
    jobs[job + S_FLAGS] = (shape.needsChecksum ? SealFlag.checksum : 0) | (shape.isTcp ? SealFlag.tcp : 0);
    jobs[job + S_UPPER] = shape.upper;
    jobs[job + S_CHECKSUM] = shape.checksum;
    jobs[job + S_HEADER] = shape.header;
    jobs[job + S_SEGMENT] = shape.segment;
  }

  #seal(out: Burst): void {
    const { options, mtu } = this.#device;
    if (this.#count > 0) options.ports.transport.seal(this.#from, out.buffer, this.#jobs, this.#count, mtu);
    this.#count = 0;
    this.#from = NOTHING;
  }
}
