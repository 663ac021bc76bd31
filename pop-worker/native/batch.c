#include "batch.h"

#include <openssl/crypto.h>
#include <string.h>

bool batch_arguments(napi_env env, const napi_value *arguments, packet_batch *batch) {
  if (!arg_bytes(env, arguments[0], "buffer", &batch->buffer) ||
      !arg_words(env, arguments[1], "descriptors", &batch->descriptors) ||
      !arg_doubles(env, arguments[2], "packetNumbers", &batch->numbers) ||
      !arg_int(env, arguments[3], "count", 0, INT32_MAX / PACKET_WORDS, &batch->count)) {
    return false;
  }
  size_t count = (size_t)batch->count;
  if (count * PACKET_WORDS <= batch->descriptors.length && count <= batch->numbers.length) return true;
  throw_range(env, "count %zu is more than the descriptors or packet numbers given", count);
  return false;
}

bool direction_arguments(napi_env env, const napi_value *arguments, direction *out) {
  double version, suite;
  bytes_view secret;
  if (!arg_double(env, arguments[0], "version", 0, UINT32_MAX, &version) ||
      !arg_double(env, arguments[1], "suite", 0, UINT16_MAX, &suite) ||
      !arg_bytes(env, arguments[2], "secret", &secret)) {
    return false;
  }
  *out = (direction){.version = version_find((uint32_t)version), .suite = suite_find((uint32_t)suite)};
  if (out->version == NULL) {
    throw_range(env, "QUIC version 0x%08x is not known", (uint32_t)version);
  } else if (out->suite == NULL) {
    throw_range(env, "cipher suite 0x%04x is not known", (uint32_t)suite);
  } else if (secret.length != out->suite->secret_bytes) {
    throw_range(env, "secret must have %zu bytes", out->suite->secret_bytes);
  } else {
    memcpy(out->secret, secret.data, secret.length);
    if (header_key_set(&out->header, out->suite, out->version, out->secret)) return true;
    throw_code(env, "ERR_NATIVE", "OpenSSL cannot set up header protection");
  }
  return false;
}

bool direction_key(const direction *self, packet_key *key, bool seal) {
  return packet_key_set(key, self->suite, self->version, self->secret, seal);
}

void direction_close(direction *self) {
  header_key_clear(&self->header);
  OPENSSL_cleanse(self, sizeof *self);
}

bool direction_next_key(direction *self, packet_key *key, bool seal) {
  return secret_update(self->suite, self->version, self->secret) && direction_key(self, key, seal);
}
