// HandshakePort of protocol/wireguard/ports.ts: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (paper §5.4), a whole message a call.
// X25519 is OpenSSL's. What is kept of a peer and of an initiation that was read are bytes of JavaScript's, outside of its
// heap's moving part, which their owner wipes; private keys are handles.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "blake2s.h"
#include "wireguard.h"

#define KEY_BYTES 32
#define TIMESTAMP_BYTES 12
#define INITIATION_BYTES 148
#define RESPONSE_BYTES 92
// Where fields lie: initiation.ts, response.ts.
#define I_EPHEMERAL 8
#define I_STATIC 40
#define I_TIMESTAMP 88
#define R_EPHEMERAL 12
#define R_EMPTY 44

// host/wireguard/native.ts: what is kept of a peer.
enum { P_PUBLIC = 0, P_SHARED = 32, P_PRESHARED = 64, PEER_BYTES = 96 };
// And of an initiation that was read.
enum { S_CHAIN = 0, S_HASH = 32, S_EPHEMERAL = 64, S_STATIC = 96, STATE_BYTES = 128 };

typedef struct {
  uint8_t chain[BLAKE2S_BYTES], hash[BLAKE2S_BYTES];
} symmetric;

typedef struct {
  EVP_PKEY *key;
  uint8_t public[KEY_BYTES];
} identity;

typedef struct {
  symmetric state;
  EVP_PKEY *ephemeral;
} handshake;

static const napi_type_tag identity_tag = {0x51c97e0da83b4f62, 0xb7204fd1963ec85a};
static const napi_type_tag handshake_tag = {0x27e4a1f05d8c4b39, 0x90bd63c85f1e7a24};

// ---- X25519

// @returns false where there is no secret: the public key is of low order
static bool agree(EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t secret[KEY_BYTES]) {
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

static EVP_PKEY *new_ephemeral(uint8_t public[KEY_BYTES]) {
  size_t length = KEY_BYTES;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  if (key != NULL && EVP_PKEY_get_raw_public_key(key, public, &length)) return key;
  EVP_PKEY_free(key);
  return NULL;
}

// ---- the symmetric state

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

static void mix_hash(symmetric *self, const uint8_t *bytes, size_t length) {
  blake2s_of(self->hash, sizeof self->hash, bytes, length, self->hash);
}

static void begin(symmetric *self, const uint8_t responder[KEY_BYTES]) {
  blake2s_of((const uint8_t *)construction, sizeof construction - 1, NULL, 0, self->chain);
  blake2s_of(self->chain, sizeof self->chain, (const uint8_t *)identifier, sizeof identifier - 1, self->hash);
  mix_hash(self, responder, KEY_BYTES);
}

// KDF1 or KDF2; `key` NULL: no key is wanted.
static void mix_key(symmetric *self, const uint8_t *input, size_t length, uint8_t *key) {
  uint8_t out[2][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, input, length, key == NULL ? 1 : 2, out);
  memcpy(self->chain, out[0], sizeof self->chain);
  if (key != NULL) memcpy(key, out[1], BLAKE2S_BYTES);
  OPENSSL_cleanse(out, sizeof out);
}

static void mix_preshared(symmetric *self, const uint8_t preshared[KEY_BYTES], uint8_t key[KEY_BYTES]) {
  uint8_t out[3][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, preshared, KEY_BYTES, 3, out);
  memcpy(self->chain, out[0], sizeof self->chain);
  mix_hash(self, out[1], BLAKE2S_BYTES);
  memcpy(key, out[2], BLAKE2S_BYTES);
  OPENSSL_cleanse(out, sizeof out);
}

static void mix_ephemeral(symmetric *self, const uint8_t public[KEY_BYTES]) {
  mix_hash(self, public, KEY_BYTES);
  mix_key(self, public, KEY_BYTES, NULL);
}

static bool mix_agreed(symmetric *self, EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t *key) {
  uint8_t secret[KEY_BYTES];
  bool done = agree(own, theirs, secret);
  if (done) mix_key(self, secret, sizeof secret, key);
  OPENSSL_cleanse(secret, sizeof secret);
  return done;
}

// Each key of a handshake seals once, so nonces are zero.
static bool seal_field(symmetric *self, const uint8_t key[KEY_BYTES], uint8_t *field, size_t length) {
  if (!chacha_seal(key, 0, self->hash, sizeof self->hash, field, length, true)) return false;
  mix_hash(self, field, length + CHACHA_TAG_BYTES);
  return true;
}

// @param out room for `length` bytes and a tag
static bool open_field(symmetric *self, const uint8_t key[KEY_BYTES], const uint8_t *field, size_t length, uint8_t *out) {
  memcpy(out, field, length + CHACHA_TAG_BYTES);
  if (!chacha_open(key, 0, self->hash, sizeof self->hash, out, length, true)) return false;
  mix_hash(self, field, length + CHACHA_TAG_BYTES);
  return true;
}

// ---- identities

static void identity_close_now(identity *self) {
  EVP_PKEY_free(self->key);  // OpenSSL wipes it
  self->key = NULL;
}

static void identity_free(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  identity_close_now(data);
  free(data);
}

static identity *arg_identity(napi_env env, napi_value value) {
  identity *self = arg_handle(env, value, "identity", &identity_tag);
  if (self == NULL || self->key != NULL) return self;
  throw_code(env, "ERR_CLOSED", "the identity is closed");
  return NULL;
}

// (privateKey, publicKey) => identity; writes the public key
static napi_value identity_new(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  bytes_view private, public;
  size_t length = KEY_BYTES;
  if (!args_get(env, info, 2, arguments) || !arg_bytes(env, arguments[0], "privateKey", &private) ||
      !arg_bytes(env, arguments[1], "publicKey", &public)) {
    return NULL;
  }
  if (private.length != KEY_BYTES || public.length != KEY_BYTES) return throw_range(env, "keys have %d bytes", KEY_BYTES);
  identity *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for an identity");
  self->key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private.data, private.length);
  if (self->key == NULL || !EVP_PKEY_get_raw_public_key(self->key, self->public, &length)) {
    identity_free(env, self, NULL);
    return throw_code(env, "ERR_NATIVE", "OpenSSL takes no private key of X25519");
  }
  memcpy(public.data, self->public, KEY_BYTES);
  return handle_new(env, self, identity_free, &identity_tag);
}

static napi_value identity_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  identity *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_handle(env, arguments[0], "identity", &identity_tag)) == NULL) {
    return NULL;
  }
  identity_close_now(self);
  return NULL;
}

static napi_value make_bool(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

static bool arg_sized(napi_env env, napi_value value, const char *name, size_t bytes, uint8_t **out) {
  bytes_view view;
  if (!arg_bytes(env, value, name, &view)) return false;
  *out = view.data;
  if (view.length == bytes) return true;
  throw_range(env, "%s must have %zu bytes", name, bytes);
  return false;
}

// A message of `length` bytes within a buffer.
static bool arg_message(napi_env env, napi_value buffer, napi_value at, size_t length, uint8_t **out) {
  bytes_view view;
  int offset;
  if (!arg_bytes(env, buffer, "buffer", &view) || !arg_int(env, at, "at", 0, INT32_MAX, &offset)) return false;
  if ((size_t)offset + length > view.length) {
    throw_range(env, "the message ends behind its buffer");
    return false;
  }
  *out = view.data + offset;
  return true;
}

// (identity, peer) => whether its public key is one: writes what both keys agree on
static napi_value peer_join(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  identity *own;
  uint8_t *peer;
  if (!args_get(env, info, 2, arguments) || (own = arg_identity(env, arguments[0])) == NULL ||
      !arg_sized(env, arguments[1], "peer", PEER_BYTES, &peer)) {
    return NULL;
  }
  return make_bool(env, agree(own->key, peer + P_PUBLIC, peer + P_SHARED));
}

// ---- handshakes that we begin

static void handshake_close_now(handshake *self) {
  EVP_PKEY_free(self->ephemeral);
  OPENSSL_cleanse(self, sizeof *self);
}

static void handshake_free(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  handshake_close_now(data);
  free(data);
}

static bool write_initiation(handshake *self, const identity *own, const uint8_t *peer, const uint8_t *timestamp,
                             uint8_t *into) {
  uint8_t key[KEY_BYTES];
  begin(&self->state, peer + P_PUBLIC);
  self->ephemeral = new_ephemeral(into + I_EPHEMERAL);
  if (self->ephemeral == NULL) return false;
  mix_ephemeral(&self->state, into + I_EPHEMERAL);
  bool done = mix_agreed(&self->state, self->ephemeral, peer + P_PUBLIC, key);
  if (done) {
    memcpy(into + I_STATIC, own->public, KEY_BYTES);
    done = seal_field(&self->state, key, into + I_STATIC, KEY_BYTES);
  }
  if (done) {
    mix_key(&self->state, peer + P_SHARED, KEY_BYTES, key);
    memcpy(into + I_TIMESTAMP, timestamp, TIMESTAMP_BYTES);
    done = seal_field(&self->state, key, into + I_TIMESTAMP, TIMESTAMP_BYTES);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

// (identity, peer, timestamp, into, at) => handshake
static napi_value initiate(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  identity *own;
  uint8_t *peer, *timestamp, *into;
  if (!args_get(env, info, 5, arguments) || (own = arg_identity(env, arguments[0])) == NULL ||
      !arg_sized(env, arguments[1], "peer", PEER_BYTES, &peer) ||
      !arg_sized(env, arguments[2], "timestamp", TIMESTAMP_BYTES, &timestamp) ||
      !arg_message(env, arguments[3], arguments[4], INITIATION_BYTES, &into)) {
    return NULL;
  }
  handshake *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for a handshake");
  if (!write_initiation(self, own, peer, timestamp, into)) {
    handshake_free(env, self, NULL);
    return throw_code(env, "ERR_NATIVE", "OpenSSL cannot begin a handshake");
  }
  return handle_new(env, self, handshake_free, &handshake_tag);
}

static napi_value handshake_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  handshake *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_handle(env, arguments[0], "handshake", &handshake_tag)) == NULL) {
    return NULL;
  }
  handshake_close_now(self);
  return NULL;
}

// ---- handshakes that peers begin

static void load(symmetric *self, const uint8_t *state) {
  memcpy(self->chain, state + S_CHAIN, BLAKE2S_BYTES);
  memcpy(self->hash, state + S_HASH, BLAKE2S_BYTES);
}

static void store(const symmetric *self, uint8_t *state) {
  memcpy(state + S_CHAIN, self->chain, BLAKE2S_BYTES);
  memcpy(state + S_HASH, self->hash, BLAKE2S_BYTES);
}

// (identity, buffer, at, state) => whether it is authentic: writes the state, who says to have sent it with it
static napi_value read_initiation(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  identity *own;
  uint8_t *message, *state, key[KEY_BYTES], opened[KEY_BYTES + CHACHA_TAG_BYTES];
  symmetric self;
  if (!args_get(env, info, 4, arguments) || (own = arg_identity(env, arguments[0])) == NULL ||
      !arg_message(env, arguments[1], arguments[2], INITIATION_BYTES, &message) ||
      !arg_sized(env, arguments[3], "state", STATE_BYTES, &state)) {
    return NULL;
  }
  begin(&self, own->public);
  memcpy(state + S_EPHEMERAL, message + I_EPHEMERAL, KEY_BYTES);
  mix_ephemeral(&self, state + S_EPHEMERAL);
  bool done = mix_agreed(&self, own->key, state + S_EPHEMERAL, key) &&
              open_field(&self, key, message + I_STATIC, KEY_BYTES, opened);
  if (done) {
    memcpy(state + S_STATIC, opened, KEY_BYTES);
    store(&self, state);
  }
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(key, sizeof key);
  return make_bool(env, done);
}

// (peer, buffer, at, state, into) => whether it is authentic: writes 12 bytes of timestamp, and the state anew
static napi_value read_timestamp(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint8_t *peer, *message, *state, *into, key[KEY_BYTES], opened[TIMESTAMP_BYTES + CHACHA_TAG_BYTES];
  symmetric self;
  if (!args_get(env, info, 5, arguments) || !arg_sized(env, arguments[0], "peer", PEER_BYTES, &peer) ||
      !arg_message(env, arguments[1], arguments[2], INITIATION_BYTES, &message) ||
      !arg_sized(env, arguments[3], "state", STATE_BYTES, &state) ||
      !arg_sized(env, arguments[4], "into", TIMESTAMP_BYTES, &into)) {
    return NULL;
  }
  load(&self, state);
  mix_key(&self, peer + P_SHARED, KEY_BYTES, key);
  bool done = open_field(&self, key, message + I_TIMESTAMP, TIMESTAMP_BYTES, opened);
  if (done) {
    memcpy(into, opened, TIMESTAMP_BYTES);
    store(&self, state);
  }
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(key, sizeof key);
  return make_bool(env, done);
}

// Gives both keys of a session their numbers: the initiator's sending key comes first.
static void split(symmetric *self, wireguard_keys *keys, int32_t *first, int32_t *second) {
  uint8_t out[2][BLAKE2S_BYTES];
  blake2s_kdf(self->chain, NULL, 0, 2, out);
  *first = wireguard_keys_add(keys, out[0]);
  *second = wireguard_keys_add(keys, out[1]);
  OPENSSL_cleanse(out, sizeof out);
}

static bool write_response(symmetric *self, const uint8_t *peer, const uint8_t *theirs, uint8_t *into) {
  uint8_t key[KEY_BYTES];
  EVP_PKEY *ephemeral = new_ephemeral(into + R_EPHEMERAL);
  bool done = ephemeral != NULL;
  if (done) {
    mix_ephemeral(self, into + R_EPHEMERAL);
    done = mix_agreed(self, ephemeral, theirs, NULL) && mix_agreed(self, ephemeral, peer + P_PUBLIC, NULL);
  }
  EVP_PKEY_free(ephemeral);
  if (done) {
    mix_preshared(self, peer + P_PRESHARED, key);
    done = seal_field(self, key, into + R_EMPTY, 0);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

static bool arg_numbers(napi_env env, napi_value value, words_view *out) {
  if (!arg_words(env, value, "numbers", out)) return false;
  if (out->length >= 2) return true;
  throw_range(env, "numbers must have two words");
  return false;
}

// (peer, state, into, at, keys, numbers) => whether there is a session: writes the numbers of what it sends and receives with
static napi_value respond(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  uint8_t *peer, *state, *into;
  wireguard_keys *keys;
  words_view numbers;
  symmetric self;
  if (!args_get(env, info, 6, arguments) || !arg_sized(env, arguments[0], "peer", PEER_BYTES, &peer) ||
      !arg_sized(env, arguments[1], "state", STATE_BYTES, &state) ||
      !arg_message(env, arguments[2], arguments[3], RESPONSE_BYTES, &into) ||
      (keys = arg_wireguard_keys(env, arguments[4])) == NULL || !arg_numbers(env, arguments[5], &numbers)) {
    return NULL;
  }
  if (!wireguard_keys_reserve(keys)) return throw_code(env, "ERR_NATIVE", "no memory for session keys");
  load(&self, state);
  bool done = write_response(&self, peer, state + S_EPHEMERAL, into);
  if (done) split(&self, keys, &numbers.data[1], &numbers.data[0]);
  OPENSSL_cleanse(&self, sizeof self);
  OPENSSL_cleanse(state, STATE_BYTES);
  return make_bool(env, done);
}

static bool read_fields(symmetric *self, const handshake *begun, const identity *own, const uint8_t *peer,
                        const uint8_t *message) {
  uint8_t key[KEY_BYTES], opened[CHACHA_TAG_BYTES], theirs[KEY_BYTES];
  memcpy(theirs, message + R_EPHEMERAL, KEY_BYTES);
  mix_ephemeral(self, theirs);
  bool done = mix_agreed(self, begun->ephemeral, theirs, NULL) && mix_agreed(self, own->key, theirs, NULL);
  if (done) {
    mix_preshared(self, peer + P_PRESHARED, key);
    done = open_field(self, key, message + R_EMPTY, 0, opened);
  }
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

// (handshake, identity, peer, buffer, at, keys, numbers) => whether it is authentic; the handshake stays as it was otherwise
static napi_value read_response(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  handshake *begun;
  identity *own;
  uint8_t *peer, *message;
  wireguard_keys *keys;
  words_view numbers;
  if (!args_get(env, info, 7, arguments) ||
      (begun = arg_handle(env, arguments[0], "handshake", &handshake_tag)) == NULL ||
      (own = arg_identity(env, arguments[1])) == NULL || !arg_sized(env, arguments[2], "peer", PEER_BYTES, &peer) ||
      !arg_message(env, arguments[3], arguments[4], RESPONSE_BYTES, &message) ||
      (keys = arg_wireguard_keys(env, arguments[5])) == NULL || !arg_numbers(env, arguments[6], &numbers)) {
    return NULL;
  }
  if (begun->ephemeral == NULL) return throw_code(env, "ERR_CLOSED", "the handshake is closed");
  if (!wireguard_keys_reserve(keys)) return throw_code(env, "ERR_NATIVE", "no memory for session keys");
  symmetric self = begun->state;
  bool done = read_fields(&self, begun, own, peer, message);
  if (done) {
    split(&self, keys, &numbers.data[0], &numbers.data[1]);
    handshake_close_now(begun);
  }
  OPENSSL_cleanse(&self, sizeof self);
  return make_bool(env, done);
}

NATIVE_FUNCTIONS(wireguard_noise, {"wireguardIdentityNew", identity_new}, {"wireguardIdentityClose", identity_close},
                 {"wireguardPeerJoin", peer_join}, {"wireguardInitiate", initiate},
                 {"wireguardHandshakeClose", handshake_close}, {"wireguardReadInitiation", read_initiation},
                 {"wireguardReadTimestamp", read_timestamp}, {"wireguardRespond", respond},
                 {"wireguardReadResponse", read_response});
