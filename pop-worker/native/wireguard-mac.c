// MacPort of protocol/wireguard/ports.ts: macs of handshake messages and the seal of cookies (paper §5.4.4, §5.4.7).
#include <endian.h>
#include <openssl/crypto.h>
#include <string.h>

#include "blake2s.h"
#include "wireguard.h"

#define MAC_BYTES 16
#define NONCE_BYTES 24
#define SEALED_BYTES (MAC_BYTES + CHACHA_TAG_BYTES)

static bool within(napi_env env, const bytes_view *view, int at, size_t length) {
  if ((size_t)at + length <= view->length) return true;
  throw_range(env, "the bytes end behind their buffer");
  return false;
}

// (key, bytes, at, length, into, intoAt)
static napi_value mac(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  bytes_view key, bytes, into;
  int at, length, into_at;
  uint8_t out[MAC_BYTES];
  if (!args_get(env, info, 6, arguments) || !arg_bytes(env, arguments[0], "key", &key) ||
      !arg_bytes(env, arguments[1], "bytes", &bytes) || !arg_int(env, arguments[2], "at", 0, INT32_MAX, &at) ||
      !arg_int(env, arguments[3], "length", 0, INT32_MAX, &length) || !arg_bytes(env, arguments[4], "into", &into) ||
      !arg_int(env, arguments[5], "intoAt", 0, INT32_MAX, &into_at)) {
    return NULL;
  }
  if (key.length > BLAKE2S_BYTES) return throw_range(env, "a key has at most %d bytes", BLAKE2S_BYTES);
  if (!within(env, &bytes, at, (size_t)length) || !within(env, &into, into_at, MAC_BYTES)) return NULL;
  blake2s_mac(key.data, key.length, bytes.data + at, (size_t)length, out);
  memcpy(into.data + into_at, out, MAC_BYTES);
  return NULL;
}

// (first, second, into): BLAKE2s of both, 32 bytes
static napi_value hash(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  bytes_view first, second, into;
  if (!args_get(env, info, 3, arguments) || !arg_bytes(env, arguments[0], "first", &first) ||
      !arg_bytes(env, arguments[1], "second", &second) || !arg_bytes(env, arguments[2], "into", &into)) {
    return NULL;
  }
  if (into.length != BLAKE2S_BYTES) return throw_range(env, "into must have %d bytes", BLAKE2S_BYTES);
  blake2s_of(first.data, first.length, second.data, second.length, into.data);
  return NULL;
}

typedef struct {
  bytes_view key, nonce, text, associated, into;
} cookie_arguments;

// (key, nonce, text, associated, into), the sizes of the last two as given
static bool arg_cookie(napi_env env, napi_callback_info info, size_t text, size_t into, cookie_arguments *out) {
  napi_value arguments[5];
  if (!args_get(env, info, 5, arguments) || !arg_bytes(env, arguments[0], "key", &out->key) ||
      !arg_bytes(env, arguments[1], "nonce", &out->nonce) || !arg_bytes(env, arguments[2], "text", &out->text) ||
      !arg_bytes(env, arguments[3], "associated", &out->associated) || !arg_bytes(env, arguments[4], "into", &out->into)) {
    return false;
  }
  if (out->key.length == CHACHA_KEY_BYTES && out->nonce.length == NONCE_BYTES && out->text.length == text &&
      out->into.length >= into) {
    return true;
  }
  throw_range(env, "a cookie, its key or its nonce has the wrong size");
  return false;
}

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2): a key of the nonce's first 16 bytes, and the rest of it as a nonce.
static uint64_t derive(const cookie_arguments *from, uint8_t key[CHACHA_KEY_BYTES]) {
  uint64_t rest;
  chacha_derive(from->key.data, from->nonce.data, key);
  memcpy(&rest, from->nonce.data + 16, sizeof rest);
  return le64toh(rest);
}

static napi_value seal_cookie(napi_env env, napi_callback_info info) {
  cookie_arguments from;
  uint8_t key[CHACHA_KEY_BYTES], out[SEALED_BYTES];
  if (!arg_cookie(env, info, MAC_BYTES, SEALED_BYTES, &from)) return NULL;
  memcpy(out, from.text.data, MAC_BYTES);
  uint64_t nonce = derive(&from, key);
  bool done = chacha_seal(key, nonce, from.associated.data, from.associated.length, out, MAC_BYTES, true);
  OPENSSL_cleanse(key, sizeof key);
  if (!done) return throw_code(env, "ERR_NATIVE", "OpenSSL cannot seal a cookie");
  memcpy(from.into.data, out, SEALED_BYTES);
  return NULL;
}

// => whether it is authentic
static napi_value open_cookie(napi_env env, napi_callback_info info) {
  cookie_arguments from;
  napi_value result = NULL;
  uint8_t key[CHACHA_KEY_BYTES], out[SEALED_BYTES];
  if (!arg_cookie(env, info, SEALED_BYTES, MAC_BYTES, &from)) return NULL;
  memcpy(out, from.text.data, SEALED_BYTES);
  uint64_t nonce = derive(&from, key);
  bool done = chacha_open(key, nonce, from.associated.data, from.associated.length, out, MAC_BYTES, true);
  OPENSSL_cleanse(key, sizeof key);
  if (done) memcpy(from.into.data, out, MAC_BYTES);
  napi_get_boolean(env, done, &result);
  return result;
}

NATIVE_FUNCTIONS(wireguard_mac, {"wireguardMac", mac}, {"wireguardHash", hash}, {"wireguardSealCookie", seal_cookie},
                 {"wireguardOpenCookie", open_cookie});
