import { nativeSum } from '#host/checksum/checksum.ts';
import { TunBurst } from '#host/tun/burst.ts';
import type { TunDevice } from '#host/tun/device.ts';
import { T_LENGTH, T_OFFSET, TUN_SLOT_BYTES, TUN_WORDS } from '#host/tun/native.ts';
import { TunPacket } from '#host/tun/packet.ts';
import { Coalescer } from '#protocol/ip/coalescer.ts';
import { GatherBatch, MESSAGE_WORDS, NO_PIECE, PIECE_WORDS } from '#protocol/ip/offload.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { EgressPort } from './forward/ports.ts';
import { HEADROOM } from './forward/session.ts';

/** Packets that are gathered before they are written. */
const WRITE_PACKETS = 256;
/** Packets that are read in one turn; then the event loop gets its turn. */
const READ_PACKETS = 64;
const READ_SLOTS = 16;
const TURNS = 4;

/** Who takes packets that a TUN hands over: a PoP's forwarder, or the tunnel of a device. */
export interface OutsideSink {
  /** Lent until the call returns; `HEADROOM` bytes in front of the packet may be overwritten. */
  fromOutside(packet: TunPacket): void;
}

/** One queue of a TUN as the data plane's way out and in. */
export class TunPort implements EgressPort {
  readonly #device: TunDevice;
  readonly #batch = new GatherBatch(WRITE_PACKETS);
  readonly #coalescer = new Coalescer(this.#batch, nativeSum);
  readonly #burst: TunBurst;
  readonly #packet = new TunPacket();
  /** Where the gathered packets lie. */
  #buffer: Uint8Array | undefined;
  /** The only buffer in which packets stay as they are until `flush`, if there is one: those in others are written at once. */
  lasting: Uint8Array | undefined;
  /** Packets that the device had no room for. */
  overflows = 0;

  /** @param readSlots large packets that are read in one go, 64 KiB each */
  constructor(device: TunDevice, readSlots: number = READ_SLOTS) {
    this.#device = device;
    this.#burst = new TunBurst(HEADROOM + readSlots * TUN_SLOT_BYTES, READ_PACKETS);
  }

  /** Gathers a packet, which must stay where it is until `flush`. */
  add(buffer: Uint8Array, view: IpView): boolean {
    if (this.#batch.isFull || (this.#buffer !== undefined && this.#buffer !== buffer)) this.flush();
    this.#buffer = buffer;
    this.#coalescer.add(buffer, view);
    if (this.lasting !== undefined && buffer !== this.lasting) this.flush();
    return true;
  }

  /** Writes what was gathered. Must be called before any of the buffers is used again. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#coalescer.finish(buffer);
    const written = this.#device.writeGather(buffer, this.#batch);
    if (written < this.#batch.messageCount) this.overflows += this.#piecesFrom(written);
    this.#batch.clear();
    this.#buffer = undefined;
  }

  /** Packets in the messages from this one on: each piece was one. */
  #piecesFrom(message: number): number {
    const { messages, pieces, messageCount } = this.#batch;
    let count = 0;
    for (let i = message; i < messageCount; i++) {
      let piece = messages[i * MESSAGE_WORDS] as number;
      for (; piece !== NO_PIECE; piece = pieces[piece * PIECE_WORDS + 2] as number) count++;
    }
    return count;
  }

  /**
   * Reads what waits, a bounded amount.
   *
   * @param turns how often the burst may be filled
   * @returns whether there may be more
   */
  read(sink: OutsideSink, turns: number = TURNS): boolean {
    const burst = this.#burst;
    for (let turn = 0; turn < turns; turn++) {
      burst.clear();
      burst.used = HEADROOM;
      const count = this.#device.read(burst);
      for (let i = 0; i < count; i++) this.#take(sink, i * TUN_WORDS);
      this.flush();
      if (burst.hasRoom()) return false;
    }
    return true;
  }

  #take(sink: OutsideSink, at: number): void {
    const { buffer, words } = this.#burst;
    const start = words[at + T_OFFSET] as number;
    this.#packet.set(buffer, start, start + (words[at + T_LENGTH] as number), words, at);
    sink.fromOutside(this.#packet);
  }
}
