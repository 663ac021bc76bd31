#include "chacha.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

// OpenSSL's primitives (include/crypto/chacha.h and poly1305.h of its sources), which Node exports with all else. They are
// weak: where a Node has them not, everything goes by EVP. Poly1305's state is of the size that Poly1305_ctx_size tells.
typedef struct {
  double opaque[64];
} poly1305;

extern void ChaCha20_ctr32(unsigned char *out, const unsigned char *in, size_t length, const unsigned int key[8],
                           const unsigned int counter[4]) __attribute__((weak));
extern size_t Poly1305_ctx_size(void) __attribute__((weak));
extern void Poly1305_Init(poly1305 *self, const unsigned char key[32]) __attribute__((weak));
extern void Poly1305_Update(poly1305 *self, const unsigned char *data, size_t length) __attribute__((weak));
extern void Poly1305_Final(poly1305 *self, unsigned char tag[16]) __attribute__((weak));

bool chacha_is_direct(void) {
  return ChaCha20_ctr32 != NULL && Poly1305_ctx_size != NULL && Poly1305_Init != NULL && Poly1305_Update != NULL &&
         Poly1305_Final != NULL && Poly1305_ctx_size() <= sizeof(poly1305);
}

// ---- by OpenSSL's primitives

static void absorb(poly1305 *state, const uint8_t *bytes, size_t length) {
  static const uint8_t zeros[15];
  Poly1305_Update(state, bytes, length);
  if (length % 16 != 0) Poly1305_Update(state, zeros, 16 - length % 16);
}

typedef struct {
  unsigned int key[8], counter[4];
} stream;

static void stream_begin(stream *self, const uint8_t *key, uint64_t counter) {
  memcpy(self->key, key, sizeof self->key);
  for (int i = 0; i < 8; i++) self->key[i] = le32toh(self->key[i]);
  self->counter[0] = 0;
  self->counter[1] = 0;
  self->counter[2] = (unsigned)counter;
  self->counter[3] = (unsigned)(counter >> 32);
}

// RFC 8439 §2.8: the tag of what is sealed already.
static void tag_of(const uint8_t one_time[64], const uint8_t *associated, size_t associated_bytes, const uint8_t *bytes,
                   size_t length, uint8_t tag[CHACHA_TAG_BYTES]) {
  poly1305 state;
  uint64_t lengths[2] = {htole64(associated_bytes), htole64(length)};
  Poly1305_Init(&state, one_time);
  if (associated_bytes > 0) absorb(&state, associated, associated_bytes);
  absorb(&state, bytes, length);
  Poly1305_Update(&state, (const uint8_t *)lengths, sizeof lengths);
  Poly1305_Final(&state, tag);
}

// Poly1305's key is the first block; the second is that of the first bytes.
static void one_time_key(stream *self, uint8_t out[64]) {
  static const uint8_t zeros[64];
  ChaCha20_ctr32(out, zeros, 64, self->key, self->counter);
  self->counter[0] = 1;
}

static void seal_direct(const uint8_t *key, uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                        uint8_t *bytes, size_t length) {
  stream self;
  uint8_t one_time[64];
  stream_begin(&self, key, counter);
  one_time_key(&self, one_time);
  ChaCha20_ctr32(bytes, bytes, length, self.key, self.counter);
  tag_of(one_time, associated, associated_bytes, bytes, length, bytes + length);
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(one_time, sizeof one_time);
}

static void seal_direct_behind(const uint8_t *key, uint64_t counter, uint8_t *bytes, size_t length) {
  stream self;
  uint8_t one_time[CHACHA_BLOCK_BYTES], before[CHACHA_BLOCK_BYTES], *begin = bytes - CHACHA_BLOCK_BYTES;
  stream_begin(&self, key, counter);
  memcpy(before, begin, sizeof before);
  memset(begin, 0, sizeof before);
  ChaCha20_ctr32(begin, begin, CHACHA_BLOCK_BYTES + length, self.key, self.counter);
  memcpy(one_time, begin, sizeof one_time);
  memcpy(begin, before, sizeof before);
  tag_of(one_time, NULL, 0, bytes, length, bytes + length);
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(one_time, sizeof one_time);
}

static bool open_direct(const uint8_t *key, uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                        uint8_t *bytes, size_t length) {
  stream self;
  uint8_t one_time[64], tag[CHACHA_TAG_BYTES];
  stream_begin(&self, key, counter);
  one_time_key(&self, one_time);
  tag_of(one_time, associated, associated_bytes, bytes, length, tag);
  bool authentic = CRYPTO_memcmp(tag, bytes + length, CHACHA_TAG_BYTES) == 0;
  if (authentic) ChaCha20_ctr32(bytes, bytes, length, self.key, self.counter);
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(one_time, sizeof one_time);
  return authentic;
}

// ---- by EVP

static EVP_CIPHER *cipher;
static void fetch_cipher(void) { cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL); }

// A context of this thread's, which lasts as long as the thread.
static pthread_key_t context_key;
static void free_context(void *context) { EVP_CIPHER_CTX_free(context); }
static void begin_once(void) {
  fetch_cipher();
  pthread_key_create(&context_key, free_context);
}

static EVP_CIPHER_CTX *context_of_thread(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, begin_once);
  EVP_CIPHER_CTX *context = pthread_getspecific(context_key);
  if (context == NULL && cipher != NULL) {
    context = EVP_CIPHER_CTX_new();
    pthread_setspecific(context_key, context);
  }
  return context;
}

void chacha_forget(void) {
  EVP_CIPHER_CTX *context = context_of_thread();
  if (context != NULL) EVP_CIPHER_CTX_reset(context);
}

static void nonce_of(uint64_t counter, uint8_t nonce[12]) {
  uint64_t word = htole64(counter);
  memset(nonce, 0, 4);
  memcpy(nonce + 4, &word, sizeof word);
}

static bool seal_by_evp(const uint8_t *key, uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                        uint8_t *bytes, size_t length) {
  EVP_CIPHER_CTX *context = context_of_thread();
  uint8_t nonce[12];
  int written;
  nonce_of(counter, nonce);
  return context != NULL && EVP_EncryptInit_ex2(context, cipher, key, nonce, NULL) &&
         (associated_bytes == 0 || EVP_EncryptUpdate(context, NULL, &written, associated, (int)associated_bytes)) &&
         EVP_EncryptUpdate(context, bytes, &written, bytes, (int)length) &&
         EVP_EncryptFinal_ex(context, bytes + length, &written) &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CHACHA_TAG_BYTES, bytes + length);
}

static bool decrypt_by_evp(EVP_CIPHER_CTX *context, const uint8_t *key, const uint8_t *nonce, const uint8_t *associated,
                           size_t associated_bytes, uint8_t *bytes, size_t length) {
  int written;
  return EVP_DecryptInit_ex2(context, cipher, key, nonce, NULL) &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CHACHA_TAG_BYTES, bytes + length) &&
         (associated_bytes == 0 || EVP_DecryptUpdate(context, NULL, &written, associated, (int)associated_bytes)) &&
         EVP_DecryptUpdate(context, bytes, &written, bytes, (int)length);
}

static bool open_by_evp(const uint8_t *key, uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                        uint8_t *bytes, size_t length) {
  EVP_CIPHER_CTX *context = context_of_thread();
  uint8_t nonce[12];
  int written;
  nonce_of(counter, nonce);
  if (context == NULL || !decrypt_by_evp(context, key, nonce, associated, associated_bytes, bytes, length)) return false;
  ERR_set_mark();
  bool authentic = EVP_DecryptFinal_ex(context, bytes + length, &written) > 0;
  ERR_pop_to_mark();
  if (authentic) return true;
  // The same key stream once more brings the ciphertext back.
  decrypt_by_evp(context, key, nonce, associated, associated_bytes, bytes, length);
  return false;
}

bool chacha_seal(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                 uint8_t *bytes, size_t length, bool direct) {
  if (!direct || !chacha_is_direct()) {
    return seal_by_evp(key, counter, associated, associated_bytes, bytes, length);
  }
  seal_direct(key, counter, associated, associated_bytes, bytes, length);
  return true;
}

bool chacha_seal_behind(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, uint8_t *bytes, size_t length, bool direct) {
  if (!direct || !chacha_is_direct()) return seal_by_evp(key, counter, NULL, 0, bytes, length);
  seal_direct_behind(key, counter, bytes, length);
  return true;
}

bool chacha_open(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                 uint8_t *bytes, size_t length, bool direct) {
  return direct && chacha_is_direct() ? open_direct(key, counter, associated, associated_bytes, bytes, length)
                                      : open_by_evp(key, counter, associated, associated_bytes, bytes, length);
}

// ---- HChaCha20

static inline uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

#define QUARTER(a, b, c, d)           \
  do {                                \
    s[a] += s[b];                     \
    s[d] = rotate(s[d] ^ s[a], 16);   \
    s[c] += s[d];                     \
    s[b] = rotate(s[b] ^ s[c], 12);   \
    s[a] += s[b];                     \
    s[d] = rotate(s[d] ^ s[a], 8);    \
    s[c] += s[d];                     \
    s[b] = rotate(s[b] ^ s[c], 7);    \
  } while (0)

void chacha_derive(const uint8_t key[CHACHA_KEY_BYTES], const uint8_t nonce[16], uint8_t out[CHACHA_KEY_BYTES]) {
  uint32_t s[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(s + 4, key, CHACHA_KEY_BYTES);
  memcpy(s + 12, nonce, 16);
  for (int i = 4; i < 16; i++) s[i] = le32toh(s[i]);
  for (int round = 0; round < 10; round++) {
    QUARTER(0, 4, 8, 12);
    QUARTER(1, 5, 9, 13);
    QUARTER(2, 6, 10, 14);
    QUARTER(3, 7, 11, 15);
    QUARTER(0, 5, 10, 15);
    QUARTER(1, 6, 11, 12);
    QUARTER(2, 7, 8, 13);
    QUARTER(3, 4, 9, 14);
  }
  for (int i = 0; i < 16; i++) s[i] = htole32(s[i]);
  memcpy(out, s, 16);
  memcpy(out + 16, s + 12, 16);
  OPENSSL_cleanse(s, sizeof s);
}
