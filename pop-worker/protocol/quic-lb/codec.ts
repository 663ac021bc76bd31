import { BLOCK_BYTES, checkConfig, cidBytesOf, FIRST_OCTET_BYTES, type QuicLbConfig } from './config.ts';
import { FourPass } from './four-pass.ts';
import type { BlockCipher, MakeBlockCipher } from './ports.ts';

const SCRATCH_BYTES = 96;
const LENGTH_MASK = 0x1f;

/** Config rotation bits of a connection ID (§3.1). */
export const configIdOf = (firstOctet: number): number => firstOctet >> 5;

/** Writes and reads the connection IDs of one configuration. Nothing is allocated after construction. */
export class CidCodec {
  readonly config: QuicLbConfig;
  /** Of every connection ID. */
  readonly cidBytes: number;
  readonly #plaintextBytes: number;
  readonly #single: BlockCipher | undefined;
  readonly #four: FourPass | undefined;
  readonly #block = new Uint8Array(SCRATCH_BYTES);

  /** @throws RangeError as `checkConfig` */
  constructor(config: QuicLbConfig, makeCipher: MakeBlockCipher) {
    checkConfig(config);
    this.config = config;
    this.cidBytes = cidBytesOf(config);
    this.#plaintextBytes = this.cidBytes - FIRST_OCTET_BYTES;
    if (config.key === undefined) return;
    const cipher = makeCipher(config.key);
    if (this.#plaintextBytes === BLOCK_BYTES) this.#single = cipher;
    else this.#four = new FourPass(cipher, this.#plaintextBytes);
  }

  /**
   * Makes a connection ID of what lies behind the first octet: server ID and nonce, at `at + 1`.
   *
   * @param random whose lower five bits the first octet gets where it does not tell the length
   */
  seal(cid: Uint8Array, at: number, random: number): void {
    const { id, encodesLength } = this.config;
    cid[at] = (id << 5) | (encodesLength ? this.#plaintextBytes : random & LENGTH_MASK);
    if (this.#four !== undefined) this.#four.encrypt(cid, at + FIRST_OCTET_BYTES);
    else if (this.#single !== undefined) {
      const block = this.#block;
      for (let i = 0; i < BLOCK_BYTES; i++) block[i] = cid[at + FIRST_OCTET_BYTES + i] as number;
      this.#single.encrypt(block, 0);
      for (let i = 0; i < BLOCK_BYTES; i++) cid[at + FIRST_OCTET_BYTES + i] = block[i] as number;
    }
  }

  /**
   * Reads the server ID, which is written to `serverId[0…]`; more bytes than it has may be overwritten there.
   *
   * @param length bytes of the connection ID; longer ones than the configuration's have bytes of the server's own use (§5.4)
   * @param serverId 16 bytes or more
   * @returns false: it is not long enough, of another configuration, or what it says of its length is wrong (§4.1)
   */
  serverIdOf(cid: Uint8Array, at: number, length: number, serverId: Uint8Array): boolean {
    const { id, encodesLength, serverIdBytes } = this.config;
    const first = cid[at] as number;
    if (length < this.cidBytes || configIdOf(first) !== id) return false;
    if (encodesLength && (first & LENGTH_MASK) !== length - FIRST_OCTET_BYTES) return false;
    const from = at + FIRST_OCTET_BYTES;
    if (this.#four !== undefined) this.#four.decrypt(cid, from, serverId, serverIdBytes);
    else {
      const bytes = this.#single === undefined ? serverIdBytes : BLOCK_BYTES;
      const block = this.#block;
      for (let i = 0; i < bytes; i++) block[i] = cid[from + i] as number;
      this.#single?.decrypt(block, 0);
      for (let i = 0; i < serverIdBytes; i++) serverId[i] = block[i] as number;
    }
    return true;
  }
}
