#include "packet-key.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <string.h>

static bool expand(const cipher_suite *suite, const uint8_t *secret, const char *label, uint8_t *out, size_t bytes) {
  return hkdf_expand_label(suite, secret, label, strlen(label), NULL, 0, out, bytes);
}

static bool hold_key(packet_key *key, const cipher_suite *suite, const uint8_t *bytes, bool seal) {
  if (!suite->chacha && aes_gcm_available()) {
    key->gcm = aes_gcm_new(bytes, suite->key_bytes);
    return key->gcm != NULL;
  }
  key->context = EVP_CIPHER_CTX_new();
  return key->context != NULL && EVP_CipherInit_ex2(key->context, suite->aead, bytes, NULL, seal, NULL);
}

bool packet_key_set(packet_key *key, const cipher_suite *suite, const quic_version *version, const uint8_t *secret,
                    bool seal) {
  uint8_t bytes[MAX_KEY_BYTES];
  packet_key_clear(key);
  bool done = expand(suite, secret, version->key_label, bytes, suite->key_bytes) &&
              expand(suite, secret, version->iv_label, key->iv, sizeof key->iv) &&
              hold_key(key, suite, bytes, seal);
  OPENSSL_cleanse(bytes, sizeof bytes);
  if (!done) packet_key_clear(key);
  return done;
}

void packet_key_clear(packet_key *key) {
  aes_gcm_free(key->gcm);
  EVP_CIPHER_CTX_free(key->context);  // OpenSSL cleanses the key schedule
  OPENSSL_cleanse(key, sizeof *key);
}

bool header_key_set(header_key *key, const cipher_suite *suite, const quic_version *version, const uint8_t *secret) {
  uint8_t bytes[MAX_KEY_BYTES];
  key->chacha = suite->chacha;
  key->context = EVP_CIPHER_CTX_new();
  bool done = key->context != NULL && expand(suite, secret, version->header_label, bytes, suite->key_bytes) &&
              EVP_EncryptInit_ex2(key->context, suite->header, bytes, NULL, NULL) &&
              EVP_CIPHER_CTX_set_padding(key->context, 0);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return done;
}

void header_key_clear(header_key *key) {
  EVP_CIPHER_CTX_free(key->context);
  key->context = NULL;
}

bool secret_update(const cipher_suite *suite, const quic_version *version, uint8_t *secret) {
  uint8_t next[MAX_SECRET_BYTES];
  bool done = expand(suite, secret, version->update_label, next, suite->secret_bytes);
  if (done) memcpy(secret, next, suite->secret_bytes);
  OPENSSL_cleanse(next, sizeof next);
  return done;
}

bool header_masks(header_key *key, const uint8_t *samples, uint8_t *masks, int count) {
  int written;
  // RFC 9001 §5.4.3: AES-ECB has no state between blocks, so all samples are one call.
  if (!key->chacha) return EVP_EncryptUpdate(key->context, masks, &written, samples, count * SAMPLE_BYTES);
  static const uint8_t zeros[5];
  for (int i = 0; i < count; i++) {
    // RFC 9001 §5.4.4: four bytes of block counter, then the nonce: just what OpenSSL calls ChaCha20's IV.
    if (!EVP_EncryptInit_ex2(key->context, NULL, NULL, samples + i * SAMPLE_BYTES, NULL) ||
        !EVP_EncryptUpdate(key->context, masks + i * SAMPLE_BYTES, &written, zeros, sizeof zeros)) {
      return false;
    }
  }
  return true;
}

// RFC 9001 §5.3: the packet number, left-padded to the IV's size, XORed with the IV.
static void nonce_of(const packet_key *key, uint64_t number, uint8_t nonce[AEAD_IV_BYTES]) {
  uint64_t low;
  memcpy(nonce, key->iv, AEAD_IV_BYTES);
  memcpy(&low, key->iv + AEAD_IV_BYTES - sizeof low, sizeof low);
  low ^= htobe64(number);
  memcpy(nonce + AEAD_IV_BYTES - sizeof low, &low, sizeof low);
}

bool packet_seal(packet_key *key, uint64_t number, uint8_t *packet, int header, int payload) {
  uint8_t nonce[AEAD_IV_BYTES], *body = packet + header;
  int written;
  nonce_of(key, number, nonce);
  if (key->gcm != NULL) {
    aes_gcm_seal(key->gcm, nonce, packet, (size_t)header, body, (size_t)payload);
    return true;
  }
  return EVP_EncryptInit_ex2(key->context, NULL, NULL, nonce, NULL) &&
         EVP_EncryptUpdate(key->context, NULL, &written, packet, header) &&
         EVP_EncryptUpdate(key->context, body, &written, body, payload) &&
         EVP_EncryptFinal_ex(key->context, body + payload, &written) &&
         EVP_CIPHER_CTX_ctrl(key->context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, body + payload);
}

packet_verdict packet_open(packet_key *key, uint64_t number, uint8_t *packet, int header, int payload) {
  uint8_t nonce[AEAD_IV_BYTES], *body = packet + header;
  int written;
  nonce_of(key, number, nonce);
  if (key->gcm != NULL) {
    bool authentic = aes_gcm_open(key->gcm, nonce, packet, (size_t)header, body, (size_t)payload);
    return authentic ? PACKET_AUTHENTIC : PACKET_FORGED;
  }
  if (!EVP_DecryptInit_ex2(key->context, NULL, NULL, nonce, NULL) ||
      !EVP_CIPHER_CTX_ctrl(key->context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, body + payload) ||
      !EVP_DecryptUpdate(key->context, NULL, &written, packet, header) ||
      !EVP_DecryptUpdate(key->context, body, &written, body, payload)) {
    return PACKET_BROKEN;
  }
  if (EVP_DecryptFinal_ex(key->context, body + payload, &written) > 0) return PACKET_AUTHENTIC;
  // Both AEADs encrypt by XOR with a key stream: the same stream once more brings the ciphertext back.
  if (!EVP_DecryptInit_ex2(key->context, NULL, NULL, nonce, NULL) ||
      !EVP_DecryptUpdate(key->context, body, &written, body, payload)) {
    return PACKET_BROKEN;
  }
  return PACKET_FORGED;
}
