import { formatIpAddress, type Prefix } from '#protocol/ip/text.ts';

/** RFC 4787 REQ-3a: a port from 1024 on stays there; below it nothing is given. */
export const FIRST_PORT = 1024;
const PORTS = 0x1_0000 - FIRST_PORT;

export const MIN_BLOCK_PORTS = 64;
export const MAX_BLOCK_PORTS = 16_384;
/** Addresses of a pool at most: a word of memory for each block of theirs. */
export const MAX_POOL_ADDRESSES = 65_536;

const NO_BLOCK = -1;

interface Part {
  /** First address, as a number. */
  readonly first: number;
  readonly addresses: number;
  /** Index of its first block. */
  readonly block: number;
}

const toNumber = (address: Uint8Array): number =>
  (((address[0] as number) << 24) |
    ((address[1] as number) << 16) |
    ((address[2] as number) << 8) |
    (address[3] as number)) >>>
  0;

const prefixText = ({ address, length }: Prefix): string => `${formatIpAddress(address)}/${length}`;

/**
 * The outside addresses of a whole fleet, cut into blocks of ports: each device has one block, so all its sessions have one
 * outside address (RFC 6888 REQ-2). Blocks have numbers, the same at all workers that were given the same prefixes.
 */
export class Pool {
  readonly blockPorts: number;
  /** How many there are. */
  readonly blocks: number;
  readonly #perAddress: number;
  readonly #parts: readonly Part[];
  readonly #prefixes: readonly Prefix[];

  /**
   * @param prefixes IPv4, none within another @param blockPorts a power of two
   * @throws RangeError for what is no pool
   */
  constructor(prefixes: readonly Prefix[], blockPorts: number) {
    const isPower = Number.isInteger(Math.log2(blockPorts));
    if (!isPower || blockPorts < MIN_BLOCK_PORTS || blockPorts > MAX_BLOCK_PORTS) {
      throw new RangeError(
        `a block of ${blockPorts} ports: a power of two from ${MIN_BLOCK_PORTS} to ${MAX_BLOCK_PORTS}`,
      );
    }
    this.blockPorts = blockPorts;
    this.#prefixes = prefixes;
    this.#perAddress = Math.floor(PORTS / blockPorts);
    // One order at all workers, whatever that of their files is.
    const sorted = prefixes
      .map(({ address, length }) => ({
        first: toNumber(address),
        addresses: 2 ** (32 - length),
        is4: address.length === 4,
      }))
      .sort((a, b) => a.first - b.first);
    let block = 0;
    let end = 0;
    this.#parts = sorted.map(({ first, addresses, is4 }) => {
      if (!is4) throw new RangeError('outside addresses are IPv4');
      if (first < end) throw new RangeError('a prefix of outside addresses lies within another');
      end = first + addresses;
      const part = { first, addresses, block };
      block += addresses * this.#perAddress;
      return part;
    });
    if (sorted.reduce((sum, { addresses }) => sum + addresses, 0) > MAX_POOL_ADDRESSES) {
      throw new RangeError(`more than ${MAX_POOL_ADDRESSES} outside addresses`);
    }
    this.blocks = block;
  }

  /** Whether an address (a number) is one of the pool's. */
  contains(address: number): boolean {
    return this.#partOf(address) !== undefined;
  }

  /** The block that an outside address and port are of; -1: there is none. */
  blockOf(address: number, port: number): number {
    const part = this.#partOf(address);
    if (part === undefined || port < FIRST_PORT) return NO_BLOCK;
    const n = Math.floor((port - FIRST_PORT) / this.blockPorts);
    return n < this.#perAddress ? part.block + (address - part.first) * this.#perAddress + n : NO_BLOCK;
  }

  /** As a number. @throws RangeError when there is no such block */
  addressOf(block: number): number {
    const part = this.#parts.findLast((one) => one.block <= block);
    if (part === undefined || block >= this.blocks) throw new RangeError(`there is no block ${block}`);
    return part.first + Math.floor((block - part.block) / this.#perAddress);
  }

  /** First port of a block; it is even. */
  portOf(block: number): number {
    return FIRST_PORT + (block % this.#perAddress) * this.blockPorts;
  }

  /** Numbers of the blocks of a prefix of the pool. @throws RangeError when it is none */
  *blocksOf({ address, length }: Prefix): Generator<number> {
    const first = toNumber(address);
    const from = this.blockOf(first, FIRST_PORT);
    const to = this.blockOf(first + 2 ** (32 - length) - 1, FIRST_PORT);
    if (from < 0 || to < 0) {
      const prefixes = this.#prefixes.map(prefixText).join(', ');
      throw new RangeError(`${prefixText({ address, length })} is none of the pool ${prefixes}`);
    }
    for (let block = from; block < to + this.#perAddress; block++) yield block;
  }

  #partOf(address: number): Part | undefined {
    const parts = this.#parts;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      if (address >= part.first && address < part.first + part.addresses) return part;
    }
    return undefined;
  }
}
