import type { Random } from '../contract.ts';
import type { QuicConfig } from './config.ts';
import type { Path } from './paths/path.ts';

const QUIC_BIT = 0x40;
const SPIN_BIT = 0x20;
const POOL_BYTES = 32;
/** RFC 9000 §17.4: one path in so many does not spin whatever the configuration says. */
const SPINLESS = 16;

/** Bits of a packet's first byte that the path or chance decides: spin bit (RFC 9000 §17.4), QUIC bit (RFC 9287 §3.1). */
export class FirstByte {
  readonly #config: QuicConfig;
  readonly #random: Random;
  readonly #isServer: boolean;
  readonly #pool = new Uint8Array(POOL_BYTES);
  /** Bits of the pool that were used. */
  #used = 8 * POOL_BYTES;
  /** The peer said in this handshake that it takes packets whose QUIC bit is 0. */
  peerGreases = false;

  constructor(config: QuicConfig, random: Random, isServer: boolean) {
    this.#config = config;
    this.#random = random;
    this.#isServer = isServer;
  }

  /** A short header was written there, both bits as if nothing was known. Before it is sealed. */
  finishShort(buffer: Uint8Array, at: number, path: Path, dcid: Uint8Array): void {
    if (path.spinCid !== dcid) this.#onNewCid(path, dcid);
    if (path.spin) buffer[at] = (buffer[at] as number) | SPIN_BIT;
    this.finishLong(buffer, at);
  }

  /** A long header was. */
  finishLong(buffer: Uint8Array, at: number): void {
    if (this.peerGreases && this.#config.greaseQuicBit && this.#bit()) buffer[at] = (buffer[at] as number) & ~QUIC_BIT;
  }

  /** §17.4: the value of a path begins at 0 with each connection ID; without spinning, one at random for each. */
  #onNewCid(path: Path, dcid: Uint8Array): void {
    if (path.spinCid === undefined) path.spins = this.#config.spinBit && this.#below(SPINLESS) > 0;
    path.spinCid = dcid;
    path.spin = path.spins ? false : this.#bit();
  }

  /** A 1-RTT packet with this first byte is authentic. */
  onReceived(path: Path, packetNumber: number, firstByte: number): void {
    if (packetNumber <= path.largestReceived) return;
    path.largestReceived = packetNumber;
    if (path.spins) path.spin = ((firstByte & SPIN_BIT) !== 0) === this.#isServer;
  }

  /** @param most a power of two */
  #below(most: number): number {
    let value = 0;
    for (let n = 1; n < most; n *= 2) value = 2 * value + (this.#bit() ? 1 : 0);
    return value;
  }

  #bit(): boolean {
    if (this.#used === 8 * POOL_BYTES) {
      this.#random.fill(this.#pool);
      this.#used = 0;
    }
    const bit = this.#used++;
    return (((this.#pool[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
  }
}
