// A handshake's initiation and response, written and read (paper §5.4.2, §5.4.3), without their macs.
#include <openssl/crypto.h>
#include <string.h>

#include "wireguard-noise.h"

// Where fields lie: initiation.ts, response.ts.
#define I_EPHEMERAL 8
#define I_STATIC 40
#define I_TIMESTAMP 88
#define R_EPHEMERAL 12
#define R_EMPTY 44

bool initiation_write(handshake *self, const identity *own, const uint8_t *peer, const uint8_t *timestamp, uint8_t *into) {
  uint8_t key[KEY_BYTES];
  symmetric_begin(&self->state, peer + P_PUBLIC);
  self->ephemeral = noise_new_ephemeral(into + I_EPHEMERAL);
  if (self->ephemeral == NULL) return false;
  symmetric_mix_ephemeral(&self->state, into + I_EPHEMERAL);
  bool done = symmetric_mix_agreed(&self->state, self->ephemeral, peer + P_PUBLIC, key);
  if (done) {
    memcpy(into + I_STATIC, own->public, KEY_BYTES);
    done = symmetric_seal(&self->state, key, into + I_STATIC, KEY_BYTES);
  }
  if (done) {
    symmetric_mix_key(&self->state, peer + P_SHARED, KEY_BYTES, key);
    memcpy(into + I_TIMESTAMP, timestamp, TIMESTAMP_BYTES);
    done = symmetric_seal(&self->state, key, into + I_TIMESTAMP, TIMESTAMP_BYTES);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

static void load(symmetric *self, const uint8_t *state) {
  memcpy(self->chain, state + S_CHAIN, BLAKE2S_BYTES);
  memcpy(self->hash, state + S_HASH, BLAKE2S_BYTES);
}

static void store(const symmetric *self, uint8_t *state) {
  memcpy(state + S_CHAIN, self->chain, BLAKE2S_BYTES);
  memcpy(state + S_HASH, self->hash, BLAKE2S_BYTES);
}

bool initiation_read(const identity *own, const uint8_t *message, uint8_t *state) {
  uint8_t key[KEY_BYTES], opened[KEY_BYTES + CHACHA_TAG_BYTES];
  symmetric self;
  symmetric_begin(&self, own->public);
  memcpy(state + S_EPHEMERAL, message + I_EPHEMERAL, KEY_BYTES);
  symmetric_mix_ephemeral(&self, state + S_EPHEMERAL);
  bool done = symmetric_mix_agreed(&self, own->key, state + S_EPHEMERAL, key) &&
              symmetric_open(&self, key, message + I_STATIC, KEY_BYTES, opened);
  if (done) {
    memcpy(state + S_STATIC, opened, KEY_BYTES);
    store(&self, state);
  }
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

bool initiation_read_timestamp(const uint8_t *peer, const uint8_t *message, uint8_t *state, uint8_t *into) {
  uint8_t key[KEY_BYTES], opened[TIMESTAMP_BYTES + CHACHA_TAG_BYTES];
  symmetric self;
  load(&self, state);
  symmetric_mix_key(&self, peer + P_SHARED, KEY_BYTES, key);
  bool done = symmetric_open(&self, key, message + I_TIMESTAMP, TIMESTAMP_BYTES, opened);
  if (done) {
    memcpy(into, opened, TIMESTAMP_BYTES);
    store(&self, state);
  }
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

static bool write_fields(symmetric *self, const uint8_t *peer, const uint8_t *theirs, uint8_t *into) {
  uint8_t key[KEY_BYTES];
  EVP_PKEY *ephemeral = noise_new_ephemeral(into + R_EPHEMERAL);
  bool done = ephemeral != NULL;
  if (done) {
    symmetric_mix_ephemeral(self, into + R_EPHEMERAL);
    done = symmetric_mix_agreed(self, ephemeral, theirs, NULL) &&
           symmetric_mix_agreed(self, ephemeral, peer + P_PUBLIC, NULL);
  }
  EVP_PKEY_free(ephemeral);
  if (done) {
    symmetric_mix_preshared(self, peer + P_PRESHARED, key);
    done = symmetric_seal(self, key, into + R_EMPTY, 0);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

bool response_write(const uint8_t *peer, uint8_t *state, uint8_t *into, wireguard_keys *keys, int32_t *numbers) {
  symmetric self;
  load(&self, state);
  bool done = write_fields(&self, peer, state + S_EPHEMERAL, into);
  if (done) symmetric_split(&self, keys, &numbers[1], &numbers[0]);
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(state, STATE_BYTES);
  return done;
}

static bool read_fields(symmetric *self, const handshake *begun, const identity *own, const uint8_t *peer,
                        const uint8_t *message) {
  uint8_t key[KEY_BYTES], opened[CHACHA_TAG_BYTES], theirs[KEY_BYTES];
  memcpy(theirs, message + R_EPHEMERAL, KEY_BYTES);
  symmetric_mix_ephemeral(self, theirs);
  bool done =
      symmetric_mix_agreed(self, begun->ephemeral, theirs, NULL) && symmetric_mix_agreed(self, own->key, theirs, NULL);
  if (done) {
    symmetric_mix_preshared(self, peer + P_PRESHARED, key);
    done = symmetric_open(self, key, message + R_EMPTY, 0, opened);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

bool response_read(const handshake *begun, const identity *own, const uint8_t *peer, const uint8_t *message,
                   wireguard_keys *keys, int32_t *numbers) {
  symmetric self = begun->state;
  bool done = read_fields(&self, begun, own, peer, message);
  if (done) symmetric_split(&self, keys, &numbers[0], &numbers[1]);
  OPENSSL_cleanse(&self, sizeof self);
  return done;
}
