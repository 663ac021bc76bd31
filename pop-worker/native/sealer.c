// PacketSealer of quic/ports.ts: one direction's packets, sealed in place, a whole batch a call.
#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

typedef struct {
  direction direction;
  packet_key key;
} sealer;

typedef struct {
  uint8_t *packet;
  int header, payload, number_bytes;
  uint64_t number;
} item;

static const napi_type_tag sealer_tag = {0x1d0f6a1be9d54e07, 0x9d2a6c51f00b7e31};

static void close_keys(sealer *self) {
  packet_key_clear(&self->key);
  direction_close(&self->direction);
}

static void sealer_free(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  close_keys(data);
  free(data);
}

// One that was not closed.
static sealer *arg_sealer(napi_env env, napi_value value) {
  sealer *self = arg_handle(env, value, "sealer", &sealer_tag);
  if (self == NULL || packet_key_is_set(&self->key)) return self;
  throw_code(env, "ERR_CLOSED", "the sealer is closed");
  return NULL;
}

// () => sealer: closed, until it is given keys
static napi_value sealer_new(napi_env env, napi_callback_info info) {
  (void)info;
  sealer *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for packet protection");
  return handle_new(env, self, sealer_free, &sealer_tag);
}

// (sealer, version, suite, secret): a handle takes longer to make than keys do, so one that was closed serves again
static napi_value sealer_open(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  sealer *self;
  if (!args_get(env, info, 4, arguments) || (self = arg_handle(env, arguments[0], "sealer", &sealer_tag)) == NULL) {
    return NULL;
  }
  close_keys(self);
  if (!direction_arguments(env, arguments + 1, &self->direction)) return NULL;
  if (direction_key(&self->direction, &self->key, true)) return NULL;
  close_keys(self);
  return throw_code(env, "ERR_NATIVE", "OpenSSL cannot set up packet protection");
}

// Descriptors are not trusted, nor is the buffer to hold still: every packet is read and checked anew where it is used.
static bool read_item(napi_env env, const packet_batch *batch, int32_t index, item *out) {
  const int32_t *words = batch->descriptors.data + (size_t)index * PACKET_WORDS;
  int64_t offset = words[0], header = words[1], payload = words[2];
  double number = batch->numbers.data[index];
  if (offset < 0 || header < 2 || payload < 0 ||
      offset + header + payload + AEAD_TAG_BYTES > (int64_t)batch->buffer.length) {
    throw_range(env, "descriptor %d reaches outside of the buffer", index);
    return false;
  }
  out->packet = batch->buffer.data + offset;
  out->number_bytes = (out->packet[0] & 3) + 1;
  // RFC 9001 §5.4.2: the sample starts where a packet number of four bytes would end; payloads are padded for that.
  if (header <= out->number_bytes || out->number_bytes + payload < MAX_PN_BYTES) {
    throw_range(env, "packet %d is too short to be protected", index);
    return false;
  }
  if (!(number >= 0 && number <= MAX_EXACT) || number != trunc(number)) {
    throw_range(env, "packet number %d must be an integer from 0 to 2^53-1", index);
    return false;
  }
  out->header = (int)header;
  out->payload = (int)payload;
  out->number = (uint64_t)number;
  return true;
}

static bool seal_piece(napi_env env, sealer *self, const packet_batch *batch, int32_t first, int count) {
  item items[PIECE];
  uint8_t samples[PIECE * SAMPLE_BYTES], masks[PIECE * SAMPLE_BYTES];
  memset(samples, 0, (size_t)count * SAMPLE_BYTES);
  for (int i = 0; i < count; i++) {
    item *one = &items[i];
    if (!read_item(env, batch, first + i, one)) return false;
    if (!packet_seal(&self->key, one->number, one->packet, one->header, one->payload)) {
      throw_code(env, "ERR_NATIVE", "OpenSSL cannot seal a packet");
      return false;
    }
    memcpy(samples + i * SAMPLE_BYTES, one->packet + one->header - one->number_bytes + MAX_PN_BYTES, SAMPLE_BYTES);
  }
  if (!header_masks(&self->direction.header, samples, masks, count)) {
    throw_code(env, "ERR_NATIVE", "OpenSSL cannot protect a header");
    return false;
  }
  for (int i = 0; i < count; i++) {
    const item *one = &items[i];
    const uint8_t *mask = masks + i * SAMPLE_BYTES;
    one->packet[0] ^= first_byte_mask(one->packet[0], mask[0]);
    mask_number(one->packet + one->header - one->number_bytes, one->number_bytes, mask);
  }
  return true;
}

// (sealer, buffer, descriptors, packetNumbers, count)
static napi_value sealer_seal(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  packet_batch batch;
  sealer *self;
  item unused;
  if (!args_get(env, info, 5, arguments) ||
      (self = arg_sealer(env, arguments[0])) == NULL ||
      !batch_arguments(env, arguments + 1, &batch)) {
    return NULL;
  }
  // All or nothing: a wrong descriptor is found before the first packet is touched.
  for (int32_t i = 0; i < batch.count; i++) {
    if (!read_item(env, &batch, i, &unused)) return NULL;
  }
  for (int32_t first = 0; first < batch.count; first += PIECE) {
    int count = batch.count - first < PIECE ? batch.count - first : PIECE;
    if (!seal_piece(env, self, &batch, first, count)) return NULL;
  }
  return NULL;
}

static napi_value sealer_update(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  sealer *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_sealer(env, arguments[0])) == NULL) return NULL;
  if (!direction_next_key(&self->direction, &self->key, true)) {
    return throw_code(env, "ERR_NATIVE", "OpenSSL cannot update packet protection");
  }
  return NULL;
}

static napi_value sealer_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  sealer *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_handle(env, arguments[0], "sealer", &sealer_tag)) == NULL) {
    return NULL;
  }
  close_keys(self);
  return NULL;
}

NATIVE_FUNCTIONS(sealer, {"sealerNew", sealer_new}, {"sealerOpen", sealer_open}, {"sealerSeal", sealer_seal},
                 {"sealerUpdate", sealer_update}, {"sealerClose", sealer_close});
