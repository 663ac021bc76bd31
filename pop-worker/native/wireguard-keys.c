// Session keys, 32 bytes each, by number: what thousands of idle peers cost, and wiped the moment they are forgotten.
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard.h"

#define FIRST_CAPACITY 64

static const napi_type_tag tag = {0x3f0b8d5e1c7a4296, 0x8e61d2f7a04b93c5};

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  wireguard_keys *self = data;
  if (self->keys != NULL) OPENSSL_cleanse(self->keys, (size_t)self->capacity * sizeof *self->keys);
  free(self->keys);
  free(self->free);
  free(self->used);
  free(self);
}

wireguard_keys *arg_wireguard_keys(napi_env env, napi_value value) {
  return arg_handle(env, value, "keys", &tag);
}

// Into new memory, so that no copy stays behind as realloc would leave it.
bool wireguard_keys_reserve(wireguard_keys *self) {
  if (self->free_count >= 2 || self->capacity - self->count >= 2) return true;
  if (self->capacity > INT32_MAX / 4) return false;
  int32_t capacity = self->capacity == 0 ? FIRST_CAPACITY : 2 * self->capacity;
  uint8_t(*keys)[CHACHA_KEY_BYTES] = calloc((size_t)capacity, sizeof *keys);
  int32_t *free_numbers = realloc(self->free, (size_t)capacity * sizeof *free_numbers);
  if (free_numbers != NULL) self->free = free_numbers;
  bool *used = realloc(self->used, (size_t)capacity * sizeof *used);
  if (used != NULL) self->used = used;
  if (keys == NULL || free_numbers == NULL || used == NULL) {
    free(keys);
    return false;
  }
  if (self->count > 0) memcpy(keys, self->keys, (size_t)self->count * sizeof *keys);
  if (self->keys != NULL) OPENSSL_cleanse(self->keys, (size_t)self->capacity * sizeof *keys);
  free(self->keys);
  self->keys = keys;
  self->capacity = capacity;
  return true;
}

int32_t wireguard_keys_add(wireguard_keys *self, const uint8_t key[CHACHA_KEY_BYTES]) {
  int32_t number = self->free_count > 0 ? self->free[--self->free_count] : self->count++;
  memcpy(self->keys[number], key, CHACHA_KEY_BYTES);
  self->used[number] = true;
  return number;
}

const uint8_t *wireguard_key(const wireguard_keys *self, uint32_t number) {
  return number < (uint32_t)self->count && self->used[number] ? self->keys[number] : NULL;
}

// (direct) => keys
static napi_value keys_new(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  bool direct;
  if (!args_get(env, info, 1, arguments) || !arg_bool(env, arguments[0], "direct", &direct)) return NULL;
  wireguard_keys *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for session keys");
  self->direct = direct && chacha_is_direct();
  return handle_new(env, self, on_collected, &tag);
}

// (keys, key) => number
static napi_value keys_add(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  wireguard_keys *self;
  bytes_view key;
  if (!args_get(env, info, 2, arguments) || (self = arg_wireguard_keys(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "key", &key)) {
    return NULL;
  }
  if (key.length != CHACHA_KEY_BYTES) return throw_range(env, "a key has %d bytes", CHACHA_KEY_BYTES);
  if (!wireguard_keys_reserve(self)) return throw_code(env, "ERR_NATIVE", "no memory for session keys");
  return make_int(env, wireguard_keys_add(self, key.data));
}

// (keys, number): one that there is not is none to forget
static napi_value keys_forget(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  wireguard_keys *self;
  int number;
  if (!args_get(env, info, 2, arguments) || (self = arg_wireguard_keys(env, arguments[0])) == NULL ||
      !arg_int(env, arguments[1], "number", 0, INT32_MAX, &number)) {
    return NULL;
  }
  if (wireguard_key(self, (uint32_t)number) == NULL) return NULL;
  OPENSSL_cleanse(self->keys[number], CHACHA_KEY_BYTES);
  if (!self->direct) chacha_forget();
  self->used[number] = false;
  self->free[self->free_count++] = number;
  return NULL;
}

// (keys) => how many are held
static napi_value keys_size(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  wireguard_keys *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_wireguard_keys(env, arguments[0])) == NULL) return NULL;
  return make_int(env, self->count - self->free_count);
}

// (keys) => whether OpenSSL's primitives are called past EVP
static napi_value keys_direct(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result = NULL;
  wireguard_keys *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_wireguard_keys(env, arguments[0])) == NULL) return NULL;
  napi_get_boolean(env, self->direct, &result);
  return result;
}

NATIVE_FUNCTIONS(wireguard_keys, {"wireguardKeysNew", keys_new}, {"wireguardKeysAdd", keys_add},
                 {"wireguardKeysForget", keys_forget}, {"wireguardKeysSize", keys_size},
                 {"wireguardKeysDirect", keys_direct});
