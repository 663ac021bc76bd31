import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { MakeBlockCipher } from '../ports.ts';

/** By Node's OpenSSL, without the packet engine. */
export const nodeBlockCipher: MakeBlockCipher = (key) => {
  const encrypt = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const decrypt = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return {
    encrypt: (buffer, at) => buffer.set(encrypt.update(buffer.subarray(at, at + 16)), at),
    decrypt: (buffer, at) => buffer.set(decrypt.update(buffer.subarray(at, at + 16)), at),
  };
};
