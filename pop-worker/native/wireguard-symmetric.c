// The symmetric state of a handshake (Noise §5.2; paper §5.4): hash, chaining key, and what is mixed into them. X25519 is
// OpenSSL's.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "wireguard-noise.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

bool noise_agree(EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t secret[KEY_BYTES]) {
  size_t length = KEY_BYTES;
  // What a peer sent is no error of OpenSSL's, and the next call of Node's would take it for its own.
  ERR_set_mark();
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, theirs, KEY_BYTES);
  EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
  bool done = context != NULL && EVP_PKEY_derive_init(context) > 0 &&
              EVP_PKEY_derive_set_peer_ex(context, key, 0) > 0 && EVP_PKEY_derive(context, secret, &length) > 0;
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  ERR_pop_to_mark();
  return done;
}

EVP_PKEY *noise_new_ephemeral(uint8_t public[KEY_BYTES]) {
  size_t length = KEY_BYTES;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  if (key != NULL && EVP_PKEY_get_raw_public_key(key, public, &length)) return key;
  EVP_PKEY_free(key);
  return NULL;
}

static void mix_hash(symmetric *self, const uint8_t *bytes, size_t length) {
  blake2s_of(self->hash, sizeof self->hash, bytes, length, self->hash);
}

void symmetric_begin(symmetric *self, const uint8_t responder[KEY_BYTES]) {
  blake2s_of((const uint8_t *)construction, sizeof construction - 1, NULL, 0, self->chain);
  blake2s_of(self->chain, sizeof self->chain, (const uint8_t *)identifier, sizeof identifier - 1, self->hash);
  mix_hash(self, responder, KEY_BYTES);
}

void symmetric_mix_key(symmetric *self, const uint8_t *input, size_t length, uint8_t *key) {
  uint8_t out[2][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, input, length, key == NULL ? 1 : 2, out);
  memcpy(self->chain, out[0], sizeof self->chain);
  if (key != NULL) memcpy(key, out[1], BLAKE2S_BYTES);
  OPENSSL_cleanse(out, sizeof out);
}

void symmetric_mix_preshared(symmetric *self, const uint8_t preshared[KEY_BYTES], uint8_t key[KEY_BYTES]) {
  uint8_t out[3][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, preshared, KEY_BYTES, 3, out);
  memcpy(self->chain, out[0], sizeof self->chain);
  mix_hash(self, out[1], BLAKE2S_BYTES);
  memcpy(key, out[2], BLAKE2S_BYTES);
  OPENSSL_cleanse(out, sizeof out);
}

void symmetric_mix_ephemeral(symmetric *self, const uint8_t public[KEY_BYTES]) {
  mix_hash(self, public, KEY_BYTES);
  symmetric_mix_key(self, public, KEY_BYTES, NULL);
}

bool symmetric_mix_agreed(symmetric *self, EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t *key) {
  uint8_t secret[KEY_BYTES];
  bool done = noise_agree(own, theirs, secret);
  if (done) symmetric_mix_key(self, secret, sizeof secret, key);
  OPENSSL_cleanse(secret, sizeof secret);
  return done;
}

// Each key of a handshake seals once, so nonces are zero.
bool symmetric_seal(symmetric *self, const uint8_t key[KEY_BYTES], uint8_t *field, size_t length) {
  if (!chacha_seal(key, 0, self->hash, sizeof self->hash, field, length, true)) return false;
  mix_hash(self, field, length + CHACHA_TAG_BYTES);
  return true;
}

bool symmetric_open(symmetric *self, const uint8_t key[KEY_BYTES], const uint8_t *field, size_t length, uint8_t *out) {
  memcpy(out, field, length + CHACHA_TAG_BYTES);
  if (!chacha_open(key, 0, self->hash, sizeof self->hash, out, length, true)) return false;
  mix_hash(self, field, length + CHACHA_TAG_BYTES);
  return true;
}

void symmetric_split(symmetric *self, wireguard_keys *keys, int32_t *first, int32_t *second) {
  uint8_t out[2][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, NULL, 0, 2, out);
  *first = wireguard_keys_add(keys, out[0]);
  *second = wireguard_keys_add(keys, out[1]);
  OPENSSL_cleanse(out, sizeof out);
}
