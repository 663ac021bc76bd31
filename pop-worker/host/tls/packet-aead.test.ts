import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createCipheriv, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CipherSuite, PACKET_WORDS, TAG_BYTES } from '#protocol/quic/ports.ts';
import { opensslCrypto } from './crypto-port.ts';

/** How the suites of RFC 8446 §B.4 are called, and what they consist of. */
const SUITES = [
  { suite: CipherSuite.aes128Gcm, cipher: 'aes-128-gcm', hash: 'sha256', keyBytes: 16, secretBytes: 32 },
  { suite: CipherSuite.aes256Gcm, cipher: 'aes-256-gcm', hash: 'sha384', keyBytes: 32, secretBytes: 48 },
  { suite: CipherSuite.chacha20Poly1305, cipher: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32, secretBytes: 32 },
] as const;

/** Up to what a link of 1500 bytes takes, and past one whole stride of sixteen blocks more. */
const MOST_BYTES = 1800;

/** HKDF-Expand-Label (RFC 8446 §7.1), one block of output. */
const expandLabel = (hash: string, secret: Uint8Array, label: string, bytes: number): Buffer => {
  const full = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, bytes, full.length]), full, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, bytes);
};

const numberBytes = (number: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(number), 4);
  return bytes;
};

for (const { suite, cipher, hash, keyBytes, secretBytes } of SUITES) {
  test(`seals payloads of every length as another implementation of ${cipher} does`, () => {
    const secret = new Uint8Array(secretBytes).map((_, i) => 31 * i + 7);
    const key = expandLabel(hash, secret, 'quic key', keyBytes);
    const iv = expandLabel(hash, secret, 'quic iv', 12);
    const sealer = opensslCrypto.sealer(1, suite, secret);
    for (let payload = 0; payload <= MOST_BYTES; payload++) {
      const number = payload * 2 ** 41 + payload;
      // From the shortest header to one with a token of a few blocks; four bytes of packet number.
      const header = 6 + (payload % 70);
      const buffer = new Uint8Array(header + payload + TAG_BYTES).map((_, i) => 5 * i + payload);
      buffer[0] = 0x43;
      const plain = buffer.slice();
      const words = Int32Array.of(0, header, payload, 0);
      assert.equal(words.length, PACKET_WORDS);
      sealer.seal(buffer, words, Float64Array.of(number), 1);
      const nonce = numberBytes(number).map((byte, i) => byte ^ (iv[i] as number));
      const other = createCipheriv(cipher as 'aes-128-gcm', key, nonce, { authTagLength: TAG_BYTES });
      other.setAAD(plain.subarray(0, header), { plaintextLength: payload });
      const text = Buffer.concat([other.update(plain.subarray(header, header + payload)), other.final()]);
      const expected = Buffer.concat([text, other.getAuthTag()]);
      assert.deepEqual(Buffer.from(buffer.subarray(header)), expected, `${payload} bytes`);
    }
  });
}

/** Makes OpenSSL, and with it the engine, leave instructions of the processor unused: VAES and VPCLMULQDQ. */
const RESTRICTION = { OPENSSL_ia32cap: ':~0x60000000000' };

test('protects packets the same on a processor without instructions of its own for that', async (t) => {
  if (process.env['OPENSSL_ia32cap'] !== undefined) {
    t.diagnostic('this is that run');
    return;
  }
  const files = [import.meta.url, new URL('./packet-protection.test.ts', import.meta.url)].map((url) =>
    fileURLToPath(url),
  );
  const env = { ...process.env, ...RESTRICTION };
  // A run of tests inside of a test would be skipped if it saw that it is.
  delete (env as NodeJS.ProcessEnv)['NODE_TEST_CONTEXT'];
  await promisify(execFile)(process.execPath, ['--test', ...files], { env, maxBuffer: 1 << 24 });
});
