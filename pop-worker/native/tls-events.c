// Events of a session, packed one behind the other: one call into OpenSSL makes many of them and one N-API value takes
// them out. Each: type, a, b, c (a byte each), length (4 bytes, little-endian), data.
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define HEADER_BYTES 8

bool bytes_append(tls_bytes *bytes, const void *data, size_t length, size_t cap) {
  if (length == 0) return true;
  if (length > cap || bytes->length > cap - length) return false;
  size_t need = bytes->length + length;
  if (need > bytes->capacity) {
    size_t capacity = bytes->capacity == 0 ? 512 : bytes->capacity;
    while (capacity < need) capacity *= 2;
    uint8_t *larger = OPENSSL_clear_realloc(bytes->data, bytes->capacity, capacity);
    if (larger == NULL) return false;
    bytes->data = larger;
    bytes->capacity = capacity;
  }
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length = need;
  return true;
}

void bytes_clear(tls_bytes *bytes) {
  OPENSSL_clear_free(bytes->data, bytes->capacity);
  memset(bytes, 0, sizeof *bytes);
}

static void write_length(uint8_t *header, size_t length) {
  for (int i = 0; i < 4; i++) header[4 + i] = (uint8_t)(length >> (8 * i));
}

static bool append_header(tls_session *session, int type, int a, int b, int c, size_t length) {
  uint8_t header[HEADER_BYTES] = {(uint8_t)type, (uint8_t)a, (uint8_t)b, (uint8_t)c};
  write_length(header, length);
  session->last_crypto = SIZE_MAX;
  return bytes_append(&session->events, header, sizeof header, TLS_OUTPUT_CAP);
}

bool event_append(tls_session *session, int type, int a, int b, int c, const void *data, size_t length) {
  return append_header(session, type, a, b, c, length) &&
         bytes_append(&session->events, data, length, TLS_OUTPUT_CAP);
}

bool event_secret(tls_session *session, int level, int direction, uint16_t suite, const void *data, size_t length) {
  uint8_t id[2] = {(uint8_t)suite, (uint8_t)(suite >> 8)};
  return append_header(session, EVENT_SECRET, level, direction, 0, sizeof id + length) &&
         bytes_append(&session->events, id, sizeof id, TLS_OUTPUT_CAP) &&
         bytes_append(&session->events, data, length, TLS_OUTPUT_CAP);
}

bool event_crypto(tls_session *session, int level, const void *data, size_t length) {
  size_t last = session->last_crypto;
  if (last != SIZE_MAX && session->events.data[last + 1] == level) {
    // OpenSSL sends message by message; those of a flight go on in one event.
    if (!bytes_append(&session->events, data, length, TLS_OUTPUT_CAP)) return false;
    write_length(session->events.data + last, session->events.length - last - HEADER_BYTES);
    return true;
  }
  size_t start = session->events.length;
  if (!event_append(session, EVENT_CRYPTO, level, 0, 0, data, length)) return false;
  session->last_crypto = start;
  return true;
}

napi_value events_take(napi_env env, tls_session *session) {
  napi_value memory, view;
  void *data;
  size_t length = session->events.length;
  if (length == 0) return NULL;
  if (napi_create_arraybuffer(env, length, &data, &memory) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, memory, 0, &view) != napi_ok) {
    return throw_code(env, "ERR_NATIVE", "no memory for TLS events");
  }
  memcpy(data, session->events.data, length);
  bytes_clear(&session->events);
  session->last_crypto = SIZE_MAX;
  return view;
}
