#include "batch.h"

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

bool protection_arguments(napi_env env, const napi_value *arguments, const quic_version **version,
                          const cipher_suite **suite, bytes_view *secret) {
  double version_number, suite_id;
  if (!arg_double(env, arguments[0], "version", 0, UINT32_MAX, &version_number) ||
      !arg_double(env, arguments[1], "suite", 0, UINT16_MAX, &suite_id) ||
      !arg_bytes(env, arguments[2], "secret", secret)) {
    return false;
  }
  *version = version_find((uint32_t)version_number);
  *suite = suite_find((uint32_t)suite_id);
  if (*version == NULL) {
    throw_range(env, "QUIC version 0x%08x is not known", (uint32_t)version_number);
  } else if (*suite == NULL) {
    throw_range(env, "cipher suite 0x%04x is not known", (uint32_t)suite_id);
  } else if (secret->length != (*suite)->secret_bytes) {
    throw_range(env, "secret must have %zu bytes", (*suite)->secret_bytes);
  } else {
    return true;
  }
  return false;
}
