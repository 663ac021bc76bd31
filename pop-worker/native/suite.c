#include "suite.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

// The order of the registry; the first one's hash, SHA-256, also serves Initial secrets and reset tokens.
static cipher_suite suites[] = {
    {.id = 0x1301,
     .key_bytes = 16,
     .secret_bytes = 32,
     .block_bytes = 64,
     .aead_name = "AES-128-GCM",
     .header_name = "AES-128-ECB",
     .hash_name = "SHA256"},
    {.id = 0x1302,
     .key_bytes = 32,
     .secret_bytes = 48,
     .block_bytes = 128,
     .aead_name = "AES-256-GCM",
     .header_name = "AES-256-ECB",
     .hash_name = "SHA384"},
    {.id = 0x1303,
     .chacha = true,
     .key_bytes = 32,
     .secret_bytes = 32,
     .block_bytes = 64,
     .aead_name = "ChaCha20-Poly1305",
     .header_name = "ChaCha20",
     .hash_name = "SHA256"},
};

static const quic_version versions[] = {
    {.version = 0x00000001,
     .key_label = "quic key",
     .iv_label = "quic iv",
     .header_label = "quic hp",
     .update_label = "quic ku",
     .initial_salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     .retry_key = {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
     .retry_nonce = {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb}},
    {.version = 0x6b3343cf,
     .key_label = "quicv2 key",
     .iv_label = "quicv2 iv",
     .header_label = "quicv2 hp",
     .update_label = "quicv2 ku",
     .initial_salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     .retry_key = {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92},
     .retry_nonce = {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a}},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool fetched = true;

static void fetch_all(void) {
  for (size_t i = 0; i < COUNT(suites); i++) {
    cipher_suite *suite = &suites[i];
    suite->aead = EVP_CIPHER_fetch(NULL, suite->aead_name, NULL);
    suite->header = EVP_CIPHER_fetch(NULL, suite->header_name, NULL);
    suite->hash = EVP_MD_fetch(NULL, suite->hash_name, NULL);
    fetched = fetched && suite->aead != NULL && suite->header != NULL && suite->hash != NULL;
  }
}

const cipher_suite *suite_find(uint32_t id) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fetch_all);
  for (size_t i = 0; fetched && i < COUNT(suites); i++) {
    if (suites[i].id == id) return &suites[i];
  }
  return NULL;
}

const cipher_suite *suite_of_hash(const char *name) {
  for (size_t i = 0; i < COUNT(suites); i++) {
    if (suite_find(suites[i].id) != NULL && strcmp(EVP_MD_get0_name(suites[i].hash), name) == 0) return &suites[i];
  }
  return NULL;
}

const quic_version *version_find(uint32_t version) {
  for (size_t i = 0; i < COUNT(versions); i++) {
    if (versions[i].version == version) return &versions[i];
  }
  return NULL;
}

// The hash of one block that depends on the key, and of what comes behind it.
static bool hash_behind(EVP_MD_CTX *context, const cipher_suite *suite, const uint8_t *block, uint8_t pad,
                        const uint8_t *data, size_t data_bytes, uint8_t *out) {
  uint8_t padded[MAX_BLOCK_BYTES];
  for (size_t i = 0; i < suite->block_bytes; i++) padded[i] = block[i] ^ pad;
  bool done = EVP_DigestInit_ex2(context, suite->hash, NULL) && EVP_DigestUpdate(context, padded, suite->block_bytes) &&
              EVP_DigestUpdate(context, data, data_bytes) && EVP_DigestFinal_ex(context, out, NULL);
  OPENSSL_cleanse(padded, sizeof padded);
  return done;
}

// HMAC (RFC 2104 §2) over the hash itself: OpenSSL's own takes several times longer to be set up than to be computed, and
// a handshake derives dozens of keys.
bool hmac_sum(const cipher_suite *suite, const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t data_bytes,
              uint8_t *out) {
  uint8_t block[MAX_BLOCK_BYTES] = {0}, inner[MAX_SECRET_BYTES];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool done = context != NULL;
  if (key_bytes > suite->block_bytes) {
    done = done && EVP_Digest(key, key_bytes, block, NULL, suite->hash, NULL);
  } else if (key_bytes > 0) {
    memcpy(block, key, key_bytes);
  }
  done = done && hash_behind(context, suite, block, 0x36, data, data_bytes, inner) &&
         hash_behind(context, suite, block, 0x5c, inner, suite->secret_bytes, out);
  EVP_MD_CTX_free(context);
  OPENSSL_cleanse(block, sizeof block);
  OPENSSL_cleanse(inner, sizeof inner);
  return done;
}

// HKDF-Expand (RFC 5869 §2.3): T(i) = HMAC(secret, T(i-1) | info | i).
static bool hkdf_expand(const cipher_suite *suite, const uint8_t *secret, const uint8_t *info, size_t info_bytes,
                        uint8_t *out, size_t out_bytes) {
  uint8_t block[MAX_SECRET_BYTES] = {0}, input[MAX_SECRET_BYTES + 512 + 1];
  size_t hash_bytes = suite->secret_bytes, previous_bytes = 0;
  if (info_bytes > 512 || out_bytes > 255 * hash_bytes) return false;
  bool done = true;
  for (uint8_t counter = 1; done && out_bytes > 0; counter++) {
    memcpy(input, block, previous_bytes);
    memcpy(input + previous_bytes, info, info_bytes);
    input[previous_bytes + info_bytes] = counter;
    done = hmac_sum(suite, secret, hash_bytes, input, previous_bytes + info_bytes + 1, block);
    size_t take = out_bytes < hash_bytes ? out_bytes : hash_bytes;
    if (done) memcpy(out, block, take);
    out += take;
    out_bytes -= take;
    previous_bytes = hash_bytes;
  }
  OPENSSL_cleanse(block, sizeof block);
  OPENSSL_cleanse(input, sizeof input);
  return done;
}

bool hkdf_expand_label(const cipher_suite *suite, const uint8_t *secret, const char *label, size_t label_bytes,
                       const uint8_t *context, size_t context_bytes, uint8_t *out, size_t out_bytes) {
  static const char prefix[] = "tls13 ";
  const size_t prefix_bytes = sizeof prefix - 1;
  // struct HkdfLabel: uint16 length, opaque label<7..255>, opaque context<0..255>.
  uint8_t info[2 + 1 + 255 + 1 + 255];
  if (prefix_bytes + label_bytes > 255 || context_bytes > 255 || out_bytes > UINT16_MAX) return false;
  size_t at = 0;
  info[at++] = (uint8_t)(out_bytes >> 8);
  info[at++] = (uint8_t)out_bytes;
  info[at++] = (uint8_t)(prefix_bytes + label_bytes);
  memcpy(info + at, prefix, prefix_bytes);
  at += prefix_bytes;
  memcpy(info + at, label, label_bytes);
  at += label_bytes;
  info[at++] = (uint8_t)context_bytes;
  if (context_bytes > 0) memcpy(info + at, context, context_bytes);
  return hkdf_expand(suite, secret, info, at + context_bytes, out, out_bytes);
}

bool tls_exporter(const cipher_suite *suite, const uint8_t *exporter_secret, const char *label, size_t label_bytes,
                  const uint8_t *context, size_t context_bytes, uint8_t *out, size_t out_bytes) {
  uint8_t digest[MAX_SECRET_BYTES], secret[MAX_SECRET_BYTES];
  size_t hash_bytes = suite->secret_bytes;
  bool done = EVP_Digest("", 0, digest, NULL, suite->hash, NULL) &&
              hkdf_expand_label(suite, exporter_secret, label, label_bytes, digest, hash_bytes, secret, hash_bytes) &&
              EVP_Digest(context_bytes == 0 ? (const uint8_t *)"" : context, context_bytes, digest, NULL, suite->hash,
                         NULL) &&
              hkdf_expand_label(suite, secret, "exporter", 8, digest, hash_bytes, out, out_bytes);
  OPENSSL_cleanse(secret, sizeof secret);
  return done;
}
