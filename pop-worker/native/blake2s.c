#include "blake2s.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <string.h>

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// RFC 7693 §2.7
static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

#define MIX(a, b, c, d, x, y)          \
  do {                                 \
    v[a] += v[b] + (x);                \
    v[d] = rotate(v[d] ^ v[a], 16);    \
    v[c] += v[d];                      \
    v[b] = rotate(v[b] ^ v[c], 12);    \
    v[a] += v[b] + (y);                \
    v[d] = rotate(v[d] ^ v[a], 8);     \
    v[c] += v[d];                      \
    v[b] = rotate(v[b] ^ v[c], 7);     \
  } while (0)

// RFC 7693 §3.2
static void compress(blake2s *self, const uint8_t *block, bool last) {
  uint32_t v[16], m[16];
  memcpy(m, block, sizeof m);
  for (int i = 0; i < 16; i++) m[i] = le32toh(m[i]);
  memcpy(v, self->state, sizeof self->state);
  memcpy(v + 8, initial, sizeof initial);
  v[12] ^= (uint32_t)self->count;
  v[13] ^= (uint32_t)(self->count >> 32);
  if (last) v[14] = ~v[14];
  for (int round = 0; round < 10; round++) {
    const uint8_t *s = sigma[round];
    MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
    MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
    MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
    MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
    MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
    MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
    MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
    MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
  for (int i = 0; i < 8; i++) self->state[i] ^= v[i] ^ v[i + 8];
  // Keys and secrets are among what is hashed.
  OPENSSL_cleanse(m, sizeof m);
  OPENSSL_cleanse(v, sizeof v);
}

void blake2s_init(blake2s *self, size_t out_bytes, const uint8_t *key, size_t key_bytes) {
  memset(self, 0, sizeof *self);
  memcpy(self->state, initial, sizeof initial);
  self->state[0] ^= 0x01010000 ^ (uint32_t)(key_bytes << 8) ^ (uint32_t)out_bytes;
  self->out_bytes = out_bytes;
  if (key_bytes == 0) return;
  memcpy(self->block, key, key_bytes);
  self->held = BLAKE2S_BLOCK_BYTES;
}

void blake2s_update(blake2s *self, const uint8_t *data, size_t length) {
  while (length > 0) {
    // A full block waits for more, for the last one is compressed as such.
    if (self->held == BLAKE2S_BLOCK_BYTES) {
      self->count += BLAKE2S_BLOCK_BYTES;
      compress(self, self->block, false);
      self->held = 0;
    }
    size_t room = BLAKE2S_BLOCK_BYTES - self->held;
    size_t bytes = length < room ? length : room;
    memcpy(self->block + self->held, data, bytes);
    self->held += bytes;
    data += bytes;
    length -= bytes;
  }
}

void blake2s_final(blake2s *self, uint8_t *out) {
  self->count += self->held;
  memset(self->block + self->held, 0, BLAKE2S_BLOCK_BYTES - self->held);
  compress(self, self->block, true);
  uint32_t words[8];
  for (int i = 0; i < 8; i++) words[i] = htole32(self->state[i]);
  memcpy(out, words, self->out_bytes);
  OPENSSL_cleanse(words, sizeof words);
  OPENSSL_cleanse(self, sizeof *self);
}

void blake2s_of(const uint8_t *first, size_t first_bytes, const uint8_t *second, size_t second_bytes,
                uint8_t out[BLAKE2S_BYTES]) {
  blake2s hash;
  blake2s_init(&hash, BLAKE2S_BYTES, NULL, 0);
  blake2s_update(&hash, first, first_bytes);
  blake2s_update(&hash, second, second_bytes);
  blake2s_final(&hash, out);
}

void blake2s_mac(const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t length, uint8_t out[16]) {
  blake2s hash;
  blake2s_init(&hash, 16, key, key_bytes);
  blake2s_update(&hash, data, length);
  blake2s_final(&hash, out);
}

// RFC 2104; keys of 32 bytes.
static void hmac(const uint8_t key[BLAKE2S_BYTES], const uint8_t *data, size_t length, uint8_t out[BLAKE2S_BYTES]) {
  uint8_t inner[BLAKE2S_BLOCK_BYTES], outer[BLAKE2S_BLOCK_BYTES], digest[BLAKE2S_BYTES];
  memset(inner, 0x36, sizeof inner);
  memset(outer, 0x5c, sizeof outer);
  for (int i = 0; i < BLAKE2S_BYTES; i++) {
    inner[i] ^= key[i];
    outer[i] ^= key[i];
  }
  blake2s_of(inner, sizeof inner, data, length, digest);
  blake2s_of(outer, sizeof outer, digest, sizeof digest, out);
  OPENSSL_cleanse(inner, sizeof inner);
  OPENSSL_cleanse(outer, sizeof outer);
  OPENSSL_cleanse(digest, sizeof digest);
}

void blake2s_kdf(const uint8_t chain[BLAKE2S_BYTES], const uint8_t *input, size_t input_bytes, int outputs,
                 uint8_t out[][BLAKE2S_BYTES]) {
  uint8_t root[BLAKE2S_BYTES], text[BLAKE2S_BYTES + 1];
  hmac(chain, input, input_bytes, root);
  for (int i = 0; i < outputs; i++) {
    size_t before = i == 0 ? 0 : BLAKE2S_BYTES;
    if (i > 0) memcpy(text, out[i - 1], BLAKE2S_BYTES);
    text[before] = (uint8_t)(i + 1);
    hmac(root, text, before + 1, out[i]);
  }
  OPENSSL_cleanse(root, sizeof root);
  OPENSSL_cleanse(text, sizeof text);
}
