import type { Prefix } from '#protocol/ip/text.ts';
import { Family } from '#protocol/netlink/family.ts';

/** Writes an address as words; IPv4 uses the first, the others become 0. */
export const wordsOf = (address: Uint8Array, words: Uint32Array): void => {
  for (let i = 0; i < 4; i++) {
    const at = i * 4;
    words[i] =
      at < address.length
        ? ((address[at] as number) << 24) |
          ((address[at + 1] as number) << 16) |
          ((address[at + 2] as number) << 8) |
          (address[at + 3] as number)
        : 0;
  }
};

/** Writes words back as an address of 4 or 16 bytes. */
export const addressOf = (words: Uint32Array, at: number, address: Uint8Array): void => {
  for (let i = 0; i < address.length; i++) address[i] = (words[at + (i >> 2)] as number) >>> (24 - 8 * (i & 3));
};

const IPV6 = 1 << 8;

/** @param table place in the list of tables */
export const keyOf = ({ address, length }: Prefix, table: number): number =>
  length | (address.length === 16 ? IPV6 : 0) | (table << 16);

export const lengthOf = (key: number): number => key & 0xff;
export const familyOfKey = (key: number): number => ((key & IPV6) === 0 ? Family.ipv4 : Family.ipv6);
export const tableOf = (key: number): number => key >>> 16;
