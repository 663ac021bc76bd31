// What the WireGuard files share: keys of sessions by number.
#ifndef CLOUDBRIDGE_WIREGUARD_H
#define CLOUDBRIDGE_WIREGUARD_H

#include "chacha.h"
#include "napi-util.h"

typedef struct {
  uint8_t (*keys)[CHACHA_KEY_BYTES];
  int32_t *free;  // numbers to give again
  bool *used;
  int32_t count, capacity, free_count;
  bool direct;  // past EVP
} wireguard_keys;

wireguard_keys *arg_wireguard_keys(napi_env env, napi_value value);

// Makes room for two more. @returns false: no memory
bool wireguard_keys_reserve(wireguard_keys *self);
// Keeps a copy; there is room. @returns its number
int32_t wireguard_keys_add(wireguard_keys *self, const uint8_t key[CHACHA_KEY_BYTES]);
// NULL: there is none of that number
const uint8_t *wireguard_key(const wireguard_keys *self, uint32_t number);

#endif
