// HandshakePort of protocol/wireguard/ports.ts: a whole message a call. What is kept of a peer and of an initiation that was
// read are bytes of JavaScript's, outside of its heap's moving part, which their owner wipes; private keys are handles.
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard-noise.h"

static const napi_type_tag identity_tag = {0x51c97e0da83b4f62, 0xb7204fd1963ec85a};
static const napi_type_tag handshake_tag = {0x27e4a1f05d8c4b39, 0x90bd63c85f1e7a24};

// ---- arguments and results

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

static bool arg_numbers(napi_env env, napi_value value, words_view *out) {
  if (!arg_words(env, value, "numbers", out)) return false;
  if (out->length >= 2) return true;
  throw_range(env, "numbers must have two words");
  return false;
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

// (identity, peer) => whether its public key is one: writes what both keys agree on
static napi_value peer_join(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  identity *own;
  uint8_t *peer;
  if (!args_get(env, info, 2, arguments) || (own = arg_identity(env, arguments[0])) == NULL ||
      !arg_sized(env, arguments[1], "peer", PEER_BYTES, &peer)) {
    return NULL;
  }
  return make_bool(env, noise_agree(own->key, peer + P_PUBLIC, peer + P_SHARED));
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
  if (!initiation_write(self, own, peer, timestamp, into)) {
    handshake_free(env, self, NULL);
    return throw_code(env, "ERR_NATIVE", "OpenSSL cannot begin a handshake");
  }
  return handle_new(env, self, handshake_free, &handshake_tag);
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
  bool done = response_read(begun, own, peer, message, keys, numbers.data);
  if (done) handshake_close_now(begun);
  return make_bool(env, done);
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

// (identity, buffer, at, state) => whether it is authentic: writes the state, who says to have sent it with it
static napi_value read_initiation(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  identity *own;
  uint8_t *message, *state;
  if (!args_get(env, info, 4, arguments) || (own = arg_identity(env, arguments[0])) == NULL ||
      !arg_message(env, arguments[1], arguments[2], INITIATION_BYTES, &message) ||
      !arg_sized(env, arguments[3], "state", STATE_BYTES, &state)) {
    return NULL;
  }
  return make_bool(env, initiation_read(own, message, state));
}

// (peer, buffer, at, state, into) => whether it is authentic: writes 12 bytes of timestamp, and the state anew
static napi_value read_timestamp(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint8_t *peer, *message, *state, *into;
  if (!args_get(env, info, 5, arguments) || !arg_sized(env, arguments[0], "peer", PEER_BYTES, &peer) ||
      !arg_message(env, arguments[1], arguments[2], INITIATION_BYTES, &message) ||
      !arg_sized(env, arguments[3], "state", STATE_BYTES, &state) ||
      !arg_sized(env, arguments[4], "into", TIMESTAMP_BYTES, &into)) {
    return NULL;
  }
  return make_bool(env, initiation_read_timestamp(peer, message, state, into));
}

// (peer, state, into, at, keys, numbers) => whether there is a session: writes the numbers of what it sends and receives with
static napi_value respond(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  uint8_t *peer, *state, *into;
  wireguard_keys *keys;
  words_view numbers;
  if (!args_get(env, info, 6, arguments) || !arg_sized(env, arguments[0], "peer", PEER_BYTES, &peer) ||
      !arg_sized(env, arguments[1], "state", STATE_BYTES, &state) ||
      !arg_message(env, arguments[2], arguments[3], RESPONSE_BYTES, &into) ||
      (keys = arg_wireguard_keys(env, arguments[4])) == NULL || !arg_numbers(env, arguments[5], &numbers)) {
    return NULL;
  }
  if (!wireguard_keys_reserve(keys)) return throw_code(env, "ERR_NATIVE", "no memory for session keys");
  return make_bool(env, response_write(peer, state, into, keys, numbers.data));
}

NATIVE_FUNCTIONS(wireguard_noise, {"wireguardIdentityNew", identity_new}, {"wireguardIdentityClose", identity_close},
                 {"wireguardPeerJoin", peer_join}, {"wireguardInitiate", initiate},
                 {"wireguardHandshakeClose", handshake_close}, {"wireguardReadInitiation", read_initiation},
                 {"wireguardReadTimestamp", read_timestamp}, {"wireguardRespond", respond},
                 {"wireguardReadResponse", read_response});
