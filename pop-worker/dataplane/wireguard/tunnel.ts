import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { systemRandom } from '#host/random/random.ts';
import { TunBurst } from '#host/tun/burst.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { TUN_SLOT_BYTES } from '#host/tun/native.ts';
import type { UdpSocket } from '#host/udp/socket.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { addressPort } from '#protocol/address.ts';
import { Burst } from '#protocol/burst.ts';
import { NEVER } from '#protocol/contract.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import { Delivery } from './delivery.ts';
import { timeShares } from './share-of-time.ts';
import { openSocket } from './sockets.ts';
import { Unreachable } from './unreachable.ts';

/** Messages that are received in one go, each a run of up to 64 KiB, and how often before other work gets its turn. */
const RECEIVE_SLOTS = 32;
const RECEIVE_TURNS = 8;
const DATAGRAM_SLOT_BYTES = 65_536;
/** Large packets read from the TUN in one go, and how often before other work gets its turn. */
const TUN_SLOTS = 4;
const TUN_PACKETS = 128;
const TUN_TURNS = 16;
/** Those become a twentieth more with headers and tags. */
const SEND_BYTES = 2 * TUN_SLOTS * TUN_SLOT_BYTES;
const SEND_DESCRIPTORS = 512;

export interface TunnelOptions {
  readonly tun: TunDevice;
  /** 32 bytes; its caller wipes its own. */
  readonly privateKey: Uint8Array;
  readonly mtu: number;
  readonly handshakesASecond: number;
}

/** A WireGuard interface that works: its core between a TUN and a UDP socket. */
export class Tunnel {
  readonly core: WireGuard;
  readonly delivery: Delivery;
  /** Sessions that began, and endpoints that moved. */
  sessions = 0;
  moves = 0;
  readonly #tun: TunDevice;
  readonly #timer = new PreciseTimer(() => this.#onTime());
  #armed = NEVER;
  readonly #received = new Burst(RECEIVE_SLOTS * DATAGRAM_SLOT_BYTES, RECEIVE_SLOTS);
  readonly #read = new TunBurst(TUN_SLOTS * TUN_SLOT_BYTES, TUN_PACKETS);
  readonly #out = new Burst(SEND_BYTES, SEND_DESCRIPTORS);
  /** Descriptors of `out` that are gone. */
  #sent = 0;
  #socket: UdpSocket | undefined;
  #isBlocked = false;

  constructor({ tun, privateKey, mtu, handshakesASecond }: TunnelOptions) {
    this.#tun = tun;
    this.delivery = new Delivery(tun, this.#received.buffer);
    const unreachable = new Unreachable((...packets) => this.delivery.add(...packets));
    this.core = new WireGuard({
      ...{ privateKey, mtu, handshakesASecond, ports: enginePorts(), random: systemRandom },
      ...timeShares(),
      unixUs: () => Date.now() * 1000,
      sink: {
        packets: (buffer, words, count) => this.delivery.add(buffer, words, count),
        confirmed: () => void this.sessions++,
        moved: () => void this.moves++,
        unreachable: (...packet) => unreachable.tell(...packet, nowUs()),
      },
    });
  }

  get isUp(): boolean {
    return this.#socket !== undefined;
  }

  /** What its socket counted; undefined while it is down. */
  get socket(): UdpSocket | undefined {
    return this.#socket;
  }

  /**
   * Takes and sends datagrams from now on; where it did already, from another port or with another mark.
   *
   * @param port 0: the kernel chooses
   * @returns the port
   * @throws an Error with the errno's name as `code`, and nothing has changed
   */
  listen(port: number, mark: number): number {
    const socket = openSocket(port, mark);
    this.#socket?.close();
    this.#socket = socket;
    this.#forgetOut();
    socket.onReadable(() => this.#fromOutside());
    this.#tun.onReadable(() => this.#fromInside());
    this.run();
    return addressPort(socket.localAddress());
  }

  /** Neither takes nor sends anything from now on. */
  stop(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#tun.onReadable(undefined);
    this.#timer.arm(NEVER);
    this.#armed = NEVER;
  }

  /** Sends what the core has to send, as after a command of its. @returns false: the socket takes no more at the moment */
  run(now = nowUs()): boolean {
    if (this.#socket === undefined) return false;
    do if (!this.#flush(this.#socket)) return false;
    while (this.#fill(now));
    this.#arm();
    return true;
  }

  close(): void {
    this.stop();
    this.#timer.close();
    this.core.close();
    this.#tun.close();
  }

  #fill(now: number): boolean {
    this.#forgetOut();
    return this.core.poll(now, this.#out);
  }

  #forgetOut(): void {
    this.#out.clear();
    this.#sent = 0;
    this.#isBlocked = false;
  }

  #flush(socket: UdpSocket): boolean {
    const { count } = this.#out;
    if (this.#sent < count) this.#sent = socket.send(this.#out, this.#sent);
    if (this.#sent === count) return true;
    // The TUN's own queue holds what comes meanwhile, so that whoever sends notices.
    if (!this.#isBlocked) this.#tun.onReadable(undefined);
    this.#isBlocked = true;
    socket.onceWritable(() => this.#resume());
    return false;
  }

  #resume(): void {
    this.#isBlocked = false;
    if (this.run()) this.#tun.onReadable(() => this.#fromInside());
  }

  #fromOutside(): void {
    const burst = this.#received;
    for (let turn = 0; turn < RECEIVE_TURNS; turn++) {
      burst.clear();
      if (this.#socket === undefined || this.#socket.receive(burst) === 0) return;
      const now = nowUs();
      this.core.handle({ kind: 'datagrams', burst }, now);
      this.delivery.flush();
      this.run(now);
      if (burst.count < RECEIVE_SLOTS) return;
    }
  }

  /** What was read is sent before more is read: it is still in the cache then, and queues have room again. */
  #fromInside(): void {
    const burst = this.#read;
    for (let turn = 0; turn < TUN_TURNS; turn++) {
      burst.clear();
      if (this.#tun.read(burst) === 0) return;
      const now = nowUs();
      this.core.handle({ kind: 'packets', packets: burst }, now);
      if (!this.run(now) || burst.hasRoom()) return;
    }
  }

  #onTime(): void {
    this.#armed = NEVER;
    const now = nowUs();
    this.core.handle({ kind: 'time' }, now);
    this.run(now);
  }

  /** One timer for all peers. It is put forward at once, and put off only when it has ended, for that happens with each packet. */
  #arm(): void {
    const deadline = this.core.deadline();
    if (deadline >= this.#armed) return;
    this.#armed = deadline;
    this.#timer.arm(deadline);
  }
}
