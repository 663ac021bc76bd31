// What a TLS 1.3 cipher suite and a QUIC version bring to packet protection, and HKDF over it.
#ifndef CLOUDBRIDGE_SUITE_H
#define CLOUDBRIDGE_SUITE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_TAG_BYTES 16
#define AEAD_IV_BYTES 12
#define MAX_KEY_BYTES 32
#define MAX_SECRET_BYTES 48
#define MAX_BLOCK_BYTES 128

typedef struct {
  uint16_t id;          // RFC 8446 §B.4
  bool chacha;          // header protection by ChaCha20 (RFC 9001 §5.4.4), else by AES-ECB (§5.4.3)
  size_t key_bytes;     // of the AEAD and of header protection alike
  size_t secret_bytes;  // of the suite's hash
  size_t block_bytes;   // that the hash works off at a time
  const char *aead_name, *header_name, *hash_name;
  // Fetched once a process and never freed: fetching takes longer than sealing a packet.
  EVP_CIPHER *aead, *header;
  EVP_MD *hash;
} cipher_suite;

typedef struct {
  uint32_t version;
  const char *key_label, *iv_label, *header_label, *update_label;  // RFC 9001 §5.1, RFC 9369 §3.3.2
  uint8_t initial_salt[20];                                        // RFC 9001 §5.2, RFC 9369 §3.3.1
  uint8_t retry_key[16], retry_nonce[AEAD_IV_BYTES];               // RFC 9001 §5.8, RFC 9369 §3.3.3
} quic_version;

// NULL when QUIC does not use it (or OpenSSL lacks it).
const cipher_suite *suite_find(uint32_t id);
// The first one with a hash of this name, the one that EVP_MD_get0_name gives. NULL: none.
const cipher_suite *suite_of_hash(const char *name);
const quic_version *version_find(uint32_t version);

// HKDF-Extract (RFC 5869 §2.2), which is HMAC(salt, input). `out` takes suite->secret_bytes.
bool hmac_sum(const cipher_suite *suite, const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t data_bytes,
              uint8_t *out);

// HKDF-Expand-Label (RFC 8446 §7.1) of a secret of suite->secret_bytes; `out_bytes` up to 255 hashes.
bool hkdf_expand_label(const cipher_suite *suite, const uint8_t *secret, const char *label, size_t label_bytes,
                       const uint8_t *context, size_t context_bytes, uint8_t *out, size_t out_bytes);

// TLS-Exporter (RFC 8446 §7.5) from the exporter master secret.
bool tls_exporter(const cipher_suite *suite, const uint8_t *exporter_secret, const char *label, size_t label_bytes,
                  const uint8_t *context, size_t context_bytes, uint8_t *out, size_t out_bytes);

#endif
