#include "aes-gcm.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define FAST __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define INLINE FAST static inline __attribute__((always_inline))

#define BLOCK 16
#define POWERS 16
#define MAX_ROUNDS 14
// Bytes that are worked on together: eight registers of two blocks.
#define STRIDE 256

// Blocks are kept with their bytes reversed, so that bit 127 is the coefficient of x^0, and every power of the hash key
// multiplied by x once more, which makes up for the bit by which products of reversed polynomials are short.
struct aes_gcm {
  __m128i round_keys[MAX_ROUNDS + 1];
  // H^16 down to H^1, then zero: a pair may begin at the last one.
  __m128i powers[POWERS + 1];
  int rounds;
};

bool aes_gcm_available(void) {
  // What it hides from OpenSSL, it means to hide from us.
  if (getenv("OPENSSL_ia32cap") != NULL) return false;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
}

// ---- GHASH

// x^127 + x^126 + x^121 + 1 where bits are reversed: what x^128 is there.
INLINE __m128i polynomial(void) { return _mm_set_epi64x((long long)0xc200000000000000, 1); }

INLINE __m128i reversed(__m128i block) {
  return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

INLINE __m256i both_reversed(__m256i blocks) {
  const __m256i order = _mm256_broadcastsi128_si256(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  return _mm256_shuffle_epi8(blocks, order);
}

INLINE __m128i reduced(__m128i low, __m128i middle, __m128i high) {
  __m128i fold = _mm_clmulepi64_si128(polynomial(), low, 0x01);
  middle = _mm_xor_si128(middle, _mm_xor_si128(fold, _mm_shuffle_epi32(low, 0x4e)));
  fold = _mm_clmulepi64_si128(polynomial(), middle, 0x01);
  return _mm_xor_si128(high, _mm_xor_si128(fold, _mm_shuffle_epi32(middle, 0x4e)));
}

INLINE __m128i product(__m128i a, __m128i b) {
  __m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
  return reduced(_mm_clmulepi64_si128(a, b, 0x00), middle, _mm_clmulepi64_si128(a, b, 0x11));
}

// Sums of products that are not reduced yet, for even and odd blocks apart.
typedef struct {
  __m256i low, middle, high;
} sums;

INLINE sums no_sums(void) { return (sums){_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()}; }

INLINE void add_product(sums *to, __m256i blocks, const __m128i *powers) {
  __m256i power = _mm256_loadu_si256((const __m256i *)powers);
  to->low = _mm256_xor_si256(to->low, _mm256_clmulepi64_epi128(blocks, power, 0x00));
  to->middle = _mm256_xor_si256(to->middle, _mm256_clmulepi64_epi128(blocks, power, 0x01));
  to->middle = _mm256_xor_si256(to->middle, _mm256_clmulepi64_epi128(blocks, power, 0x10));
  to->high = _mm256_xor_si256(to->high, _mm256_clmulepi64_epi128(blocks, power, 0x11));
}

INLINE __m128i halves_added(__m256i both) {
  return _mm_xor_si128(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
}

INLINE __m128i sum_of(const sums *of) {
  return reduced(halves_added(of->low), halves_added(of->middle), halves_added(of->high));
}

// Pairs of blocks, the last one with zeros behind it.
INLINE __m128i hash_header(const aes_gcm *self, const uint8_t *data, size_t length) {
  __m128i hash = _mm_setzero_si128();
  for (size_t at = 0; at < length; at += 2 * BLOCK) {
    size_t bytes = length - at < 2 * BLOCK ? length - at : 2 * BLOCK;
    uint8_t pair[2 * BLOCK] = {0};
    sums to = no_sums();
    memcpy(pair, data + at, bytes);
    __m256i blocks = both_reversed(_mm256_loadu_si256((const __m256i *)pair));
    blocks = _mm256_xor_si256(blocks, _mm256_zextsi128_si256(hash));
    add_product(&to, blocks, &self->powers[bytes > BLOCK ? POWERS - 2 : POWERS - 1]);
    hash = sum_of(&to);
  }
  return hash;
}

// ---- AES in counter mode

INLINE __m128i encrypted(const aes_gcm *self, __m128i block) {
  block = _mm_xor_si128(block, self->round_keys[0]);
  for (int i = 1; i < self->rounds; i++) block = _mm_aesenc_si128(block, self->round_keys[i]);
  return _mm_aesenclast_si128(block, self->round_keys[self->rounds]);
}

// The nonce's counter block reversed: the number is the lowest word. SP 800-38D §7.1: 1 is the tag's, data begin at 2.
INLINE __m128i counter_block(const uint8_t nonce[12], int counter) {
  int32_t words[3];
  memcpy(words, nonce, sizeof words);
  return _mm_add_epi32(reversed(_mm_set_epi32(0, words[2], words[1], words[0])), _mm_cvtsi32_si128(counter));
}

INLINE __m256i first_counters(const uint8_t nonce[12]) {
  return _mm256_set_m128i(counter_block(nonce, 3), counter_block(nonce, 2));
}

// The next `pairs` pairs of key stream blocks. Meanwhile, where `before` is given, the products of the eight pairs that
// were encrypted before are added, one a round: neither waits for the other.
INLINE void key_stream(const aes_gcm *self, __m256i *counters, __m256i stream[8], int pairs, const __m256i *before,
                       sums *to) {
  __m256i key = _mm256_broadcastsi128_si256(self->round_keys[0]);
  for (int i = 0; i < pairs; i++) {
    stream[i] = _mm256_xor_si256(both_reversed(*counters), key);
    *counters = _mm256_add_epi32(*counters, _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2));
  }
#pragma GCC unroll 9
  for (int round = 1; round <= 9; round++) {
    key = _mm256_broadcastsi128_si256(self->round_keys[round]);
#pragma GCC unroll 8
    for (int i = 0; i < pairs; i++) stream[i] = _mm256_aesenc_epi128(stream[i], key);
    if (before != NULL && round <= 8) add_product(to, before[round - 1], &self->powers[2 * (round - 1)]);
  }
  for (int round = 10; round < self->rounds; round++) {
    key = _mm256_broadcastsi128_si256(self->round_keys[round]);
#pragma GCC unroll 8
    for (int i = 0; i < pairs; i++) stream[i] = _mm256_aesenc_epi128(stream[i], key);
  }
  key = _mm256_broadcastsi128_si256(self->round_keys[self->rounds]);
#pragma GCC unroll 8
  for (int i = 0; i < pairs; i++) stream[i] = _mm256_aesenclast_epi128(stream[i], key);
}

// `hash` is of all blocks before these.
INLINE void load_reversed(const uint8_t *text, __m128i hash, __m256i blocks[8], int pairs) {
  __m256i add = _mm256_zextsi128_si256(hash);
  for (int i = 0; i < pairs; i++, add = _mm256_setzero_si256()) {
    blocks[i] = _mm256_xor_si256(both_reversed(_mm256_loadu_si256((const __m256i *)(text + 32 * i))), add);
  }
}

INLINE void add_stream(uint8_t *text, const __m256i stream[8], int pairs) {
  for (int i = 0; i < pairs; i++) {
    __m256i *at = (__m256i *)(text + 32 * i);
    _mm256_storeu_si256(at, _mm256_xor_si256(_mm256_loadu_si256(at), stream[i]));
  }
}

// The last bytes, fewer than a stride, by way of a copy with zeros behind them.
FAST static __m128i last_bytes(const aes_gcm *self, __m256i counters, __m128i hash, uint8_t *text, size_t length,
                               bool seal) {
  uint8_t copy[STRIDE] __attribute__((aligned(32)));
  __m256i stream[8], blocks[8];
  sums to = no_sums();
  int blocks_left = (int)((length + BLOCK - 1) / BLOCK), pairs = (blocks_left + 1) / 2;
  for (int i = (int)(length / 32); i < pairs; i++) _mm256_store_si256((__m256i *)(copy + 32 * i), _mm256_setzero_si256());
  memcpy(copy, text, length);
  if (!seal) load_reversed(copy, hash, blocks, pairs);
  if (pairs > 4) {
    key_stream(self, &counters, stream, 8, NULL, NULL);
  } else {
    key_stream(self, &counters, stream, 4, NULL, NULL);
  }
  add_stream(copy, stream, pairs);
  memcpy(text, copy, length);
  if (seal) {
    memset(copy + length, 0, (size_t)pairs * 32 - length);
    load_reversed(copy, hash, blocks, pairs);
  }
  for (int i = 0; i < pairs; i++) add_product(&to, blocks[i], &self->powers[POWERS - blocks_left + 2 * i]);
  OPENSSL_cleanse(copy, length);
  return sum_of(&to);
}

// SP 800-38D §7.1, steps 4 to 6.
INLINE void write_tag(const aes_gcm *self, const uint8_t nonce[12], __m128i hash, size_t aad_length, size_t length,
                      uint8_t tag[BLOCK]) {
  __m128i lengths = _mm_set_epi64x((long long)(8 * aad_length), (long long)(8 * length));
  hash = product(_mm_xor_si128(hash, lengths), self->powers[POWERS - 1]);
  __m128i mask = encrypted(self, reversed(counter_block(nonce, 1)));
  _mm_storeu_si128((__m128i *)tag, _mm_xor_si128(reversed(hash), mask));
}

FAST void aes_gcm_seal(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length,
                       uint8_t *text, size_t length) {
  __m256i counters = first_counters(nonce), stream[8], before[8];
  __m128i hash = hash_header(self, aad, aad_length);
  size_t at = 0;
  for (; length - at >= STRIDE; at += STRIDE) {
    sums to = no_sums();
    key_stream(self, &counters, stream, 8, at > 0 ? before : NULL, &to);
    if (at > 0) hash = sum_of(&to);
    add_stream(text + at, stream, 8);
    load_reversed(text + at, hash, before, 8);
  }
  if (at > 0) {
    sums to = no_sums();
    for (int i = 0; i < 8; i++) add_product(&to, before[i], &self->powers[2 * i]);
    hash = sum_of(&to);
  }
  if (at < length) hash = last_bytes(self, counters, hash, text + at, length - at, true);
  write_tag(self, nonce, hash, aad_length, length, text + length);
}

// The key stream once more brings back what was there.
FAST static void add_key_stream(const aes_gcm *self, const uint8_t nonce[12], uint8_t *text, size_t length) {
  __m256i counters = first_counters(nonce), stream[8];
  size_t at = 0;
  for (; length - at >= STRIDE; at += STRIDE) {
    key_stream(self, &counters, stream, 8, NULL, NULL);
    add_stream(text + at, stream, 8);
  }
  if (at < length) last_bytes(self, counters, _mm_setzero_si128(), text + at, length - at, true);
}

FAST bool aes_gcm_open(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length,
                       uint8_t *text, size_t length) {
  __m256i counters = first_counters(nonce), stream[8], blocks[8];
  __m128i hash = hash_header(self, aad, aad_length);
  size_t at = 0;
  for (; length - at >= STRIDE; at += STRIDE) {
    sums to = no_sums();
    load_reversed(text + at, hash, blocks, 8);
    key_stream(self, &counters, stream, 8, blocks, &to);
    add_stream(text + at, stream, 8);
    hash = sum_of(&to);
  }
  if (at < length) hash = last_bytes(self, counters, hash, text + at, length - at, false);
  uint8_t tag[BLOCK];
  write_tag(self, nonce, hash, aad_length, length, tag);
  if (CRYPTO_memcmp(tag, text + length, BLOCK) == 0) return true;
  add_key_stream(self, nonce, text, length);
  return false;
}

// ---- keys

// FIPS 197 §5.2; `assist` is of the last word before these four, its useful part in all words.
INLINE __m128i next_round_key(__m128i key, __m128i assist) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

#define ROTATED(key, constant) _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, constant), 0xff)
#define UNROTATED(key) _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, 0), 0xaa)

FAST static void expand_128(__m128i *keys) {
#define STEP(i, constant) keys[i] = next_round_key(keys[(i) - 1], ROTATED(keys[(i) - 1], constant))
  STEP(1, 0x01), STEP(2, 0x02), STEP(3, 0x04), STEP(4, 0x08), STEP(5, 0x10);
  STEP(6, 0x20), STEP(7, 0x40), STEP(8, 0x80), STEP(9, 0x1b), STEP(10, 0x36);
#undef STEP
}

FAST static void expand_256(__m128i *keys) {
#define EVEN(i, constant) keys[i] = next_round_key(keys[(i) - 2], ROTATED(keys[(i) - 1], constant))
#define ODD(i) keys[i] = next_round_key(keys[(i) - 2], UNROTATED(keys[(i) - 1]))
  EVEN(2, 0x01), ODD(3), EVEN(4, 0x02), ODD(5), EVEN(6, 0x04), ODD(7), EVEN(8, 0x08), ODD(9);
  EVEN(10, 0x10), ODD(11), EVEN(12, 0x20), ODD(13), EVEN(14, 0x40);
#undef EVEN
#undef ODD
}

// A reversed polynomial times x: what leaves at the one end comes back as the field's polynomial.
INLINE __m128i times_x(__m128i value) {
  __m128i carries = _mm_srai_epi32(_mm_shuffle_epi32(value, 0xd3), 31);
  __m128i added = _mm_and_si128(carries, _mm_set_epi64x((long long)0xc200000000000001, 1));
  return _mm_xor_si128(_mm_add_epi64(value, value), added);
}

FAST static void set_key(aes_gcm *self, const uint8_t *key, size_t key_bytes) {
  self->rounds = key_bytes == 16 ? 10 : 14;
  memcpy(self->round_keys, key, key_bytes);
  if (key_bytes == 16) {
    expand_128(self->round_keys);
  } else {
    expand_256(self->round_keys);
  }
  __m128i first = times_x(reversed(encrypted(self, _mm_setzero_si128()))), power = first;
  self->powers[POWERS] = _mm_setzero_si128();
  for (int i = POWERS - 1; i >= 0; i--) {
    self->powers[i] = power;
    power = product(power, first);
  }
}

aes_gcm *aes_gcm_new(const uint8_t *key, size_t key_bytes) {
  aes_gcm *self = aligned_alloc(_Alignof(aes_gcm), sizeof *self);
  if (self != NULL) set_key(self, key, key_bytes);
  return self;
}

void aes_gcm_free(aes_gcm *self) {
  if (self == NULL) return;
  OPENSSL_cleanse(self, sizeof *self);
  free(self);
}

#else

bool aes_gcm_available(void) { return false; }
aes_gcm *aes_gcm_new(const uint8_t *key, size_t key_bytes) { return (void)key, (void)key_bytes, NULL; }
void aes_gcm_free(aes_gcm *self) { (void)self; }

void aes_gcm_seal(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length, uint8_t *text,
                  size_t length) {
  (void)self, (void)nonce, (void)aad, (void)aad_length, (void)text, (void)length;
}

bool aes_gcm_open(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length, uint8_t *text,
                  size_t length) {
  return (void)self, (void)nonce, (void)aad, (void)aad_length, (void)text, (void)length, false;
}

#endif
