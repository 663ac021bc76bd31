import type { MakeBlockCipher } from '#protocol/quic-lb/ports.ts';
import { native } from '../native.ts';

/** AES-128 by Node's OpenSSL: 0.2 us a block. */
export const opensslBlockCipher: MakeBlockCipher = (key) => {
  const handle = native.blockCipherNew(key);
  return {
    encrypt: (buffer, at) => native.blockCipherEncrypt(handle, buffer, at),
    decrypt: (buffer, at) => native.blockCipherDecrypt(handle, buffer, at),
  };
};
