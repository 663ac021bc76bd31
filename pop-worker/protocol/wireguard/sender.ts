import { ADDRESS_WORDS } from '../address.ts';
import type { Burst } from '../burst.ts';
import type { TimeUs } from '../contract.ts';
import { packetLength } from './allowed-ips.ts';
import type { Device } from './device.ts';
import { Drop } from './drop.ts';
import type { Initiator } from './initiator.ts';
import type { Keypair } from './keypairs.ts';
import type { Peer } from './peer.ts';
import { J_COUNTER_HIGH, J_COUNTER_LOW, J_KEY, J_LENGTH, J_OFFSET, JOB_WORDS } from './ports.ts';
import { MessageType, writeWord } from './wire/message.ts';
import { LEAST_TRANSPORT_BYTES, paddedLength, TAG_BYTES, TRANSPORT } from './wire/transport.ts';

/** Transport messages that are sealed in one call, and so the most of one `poll`. */
const BATCH = 256;
const NOTHING = new Uint8Array(0);
/** What UDP over IPv4 carries. */
const MOST_DATAGRAM_BYTES = 65_507;

/** IP packets for the tunnel: offset and bytes of each. They must not change until `poll` has said that nothing is left. */
export interface Packets {
  readonly buffer: Uint8Array;
  /** Two words each. */
  readonly words: Int32Array;
  readonly count: number;
}

/** Datagrams out: handshakes, then what waited, then what is to be sent now, written in place and sealed together. */
export class Sender {
  readonly #device: Device;
  readonly #initiator: Initiator;
  readonly #jobs = new Uint32Array(BATCH * JOB_WORDS);
  #count = 0;
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
    control.splice(0, sent);
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
    const keypair = this.#sessionOf(peer, now);
    if (keypair === undefined) {
      peer.keepaliveDue = false;
      this.#initiator.begin(peer, now);
      return true;
    }
    for (let packet = peer.staged.first; packet !== undefined; packet = peer.staged.first) {
      if (!this.#write(peer, keypair, packet, 0, packet.length, out, now)) return false;
      peer.staged.removeFirst();
      peer.keepaliveDue = false;
    }
    if (peer.keepaliveDue && !this.#write(peer, keypair, NOTHING, 0, 0, out, now)) return false;
    peer.keepaliveDue = false;
    peer.timers.keepaliveSent(now);
    this.#device.deadlines.set(peer.number, peer.timers.deadline);
    return true;
  }

  #sendPackets(out: Burst, now: TimeUs): void {
    const packets = this.#packets;
    if (packets === undefined) return;
    const { buffer, words, count } = packets;
    for (; this.#next < count; this.#next++) {
      const at = words[2 * this.#next] as number;
      const drop = this.#sendPacket(buffer, at, words[2 * this.#next + 1] as number, out, now);
      if (drop === undefined) return;
      this.#device.drop(drop);
    }
    this.#packets = undefined;
  }

  /** @returns undefined when there was no room */
  #sendPacket(buffer: Uint8Array, at: number, length: number, out: Burst, now: TimeUs): Drop | undefined {
    const device = this.#device;
    if (packetLength(buffer, at, length) === 0) return Drop.notIp;
    const peer = device.peers.get(device.allowedIps.byDestination(buffer, at));
    if (peer === undefined) return Drop.noPeer;
    if (!peer.endpoint.isKnown) return Drop.noEndpoint;
    const most = Math.min(out.buffer.length, MOST_DATAGRAM_BYTES);
    if (paddedLength(length, device.mtu) + LEAST_TRANSPORT_BYTES > most) return Drop.tooLarge;
    const keypair = this.#sessionOf(peer, now);
    if (keypair === undefined) {
      device.drop(Drop.staged, peer.staged.add(buffer, at, length));
      this.#initiator.begin(peer, now);
      return Drop.none;
    }
    return this.#write(peer, keypair, buffer, at, length, out, now) ? Drop.none : undefined;
  }

  #sessionOf(peer: Peer, now: TimeUs): Keypair | undefined {
    const { current } = peer.keypairs;
    return current?.maySend(now) === true ? current : undefined;
  }

  /** @returns false: there was no room */
  #write(
    peer: Peer,
    keypair: Keypair,
    bytes: Uint8Array,
    at: number,
    length: number,
    out: Burst,
    now: TimeUs,
  ): boolean {
    const device = this.#device;
    const padded = paddedLength(length, device.mtu);
    const total = padded + LEAST_TRANSPORT_BYTES;
    if (this.#count === BATCH || !out.hasRoom(total)) return false;
    const { buffer, used } = out;
    writeWord(buffer, used, MessageType.transport);
    writeWord(buffer, used + TRANSPORT.receiver, keypair.remoteIndex);
    writeWord(buffer, used + TRANSPORT.counterLow, keypair.sendLow);
    writeWord(buffer, used + TRANSPORT.counterHigh, keypair.sendHigh);
    const content = used + TRANSPORT.content;
    for (let i = 0; i < length; i++) buffer[content + i] = bytes[at + i] as number;
    buffer.fill(0, content + length, content + padded + TAG_BYTES);
    this.#job(keypair, used, padded);
    const { words } = peer.endpoint;
    out.commit(total, 0, words, 0, words, ADDRESS_WORDS);
    keypair.countSent();
    peer.counters.sentBytes += total;
    device.timed(peer, 'authenticatedSent', now);
    if (length > 0) device.timed(peer, 'dataSent', now);
    if (keypair.isStale(now)) this.#initiator.begin(peer, now);
    return true;
  }

  #job(keypair: Keypair, offset: number, length: number): void {
    const job = this.#count++ * JOB_WORDS;
    this.#jobs[job + J_KEY] = keypair.keys.send;
    this.#jobs[job + J_OFFSET] = offset;
    this.#jobs[job + J_LENGTH] = length;
    this.#jobs[job + J_COUNTER_LOW] = keypair.sendLow;
    this.#jobs[job + J_COUNTER_HIGH] = keypair.sendHigh;
  }

  #seal(out: Burst): void {
    if (this.#count > 0) this.#device.options.ports.transport.seal(out.buffer, this.#jobs, this.#count);
    this.#count = 0;
  }
}
