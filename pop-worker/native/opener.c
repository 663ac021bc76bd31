// PacketOpener of quic/ports.ts: removes the protection of one direction's packets in place, a whole batch a call.
#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

typedef struct {
  direction direction;  // its secret is of the next key phase once `next` has a key, of the current one before
  packet_key previous, current, next;
  uint8_t phase;          // of `current`
  uint64_t first_number;  // the lowest one seen in the current phase
} opener;

typedef struct {
  uint8_t *packet;
  int32_t *words;
  int before, length;
  bool too_short;
} item;

enum { OUTCOME_CURRENT = 0, OUTCOME_NEXT = 1, OUTCOME_PREVIOUS = 2, OUTCOME_FORGED = -1, OUTCOME_TOO_SHORT = -2 };

static const napi_type_tag opener_tag = {0x5b8f20c8d1ea4a63, 0xa4c7d1903e85f26d};

static void close_keys(opener *self) {
  packet_key_clear(&self->previous);
  packet_key_clear(&self->current);
  packet_key_clear(&self->next);
  direction_close(&self->direction);
  self->phase = 0;
  self->first_number = 0;
}

static void opener_free(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  close_keys(data);
  free(data);
}

// One that was not closed.
static opener *arg_opener(napi_env env, napi_value value) {
  opener *self = arg_handle(env, value, "opener", &opener_tag);
  if (self == NULL || packet_key_is_set(&self->current)) return self;
  throw_code(env, "ERR_CLOSED", "the opener is closed");
  return NULL;
}

// () => opener: closed, until it is given keys
static napi_value opener_new(napi_env env, napi_callback_info info) {
  (void)info;
  opener *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for packet protection");
  return handle_new(env, self, opener_free, &opener_tag);
}

// (opener, version, suite, secret): a handle takes longer to make than keys do, so one that was closed serves again
static napi_value opener_open(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  opener *self;
  if (!args_get(env, info, 4, arguments) || (self = arg_handle(env, arguments[0], "opener", &opener_tag)) == NULL) {
    return NULL;
  }
  close_keys(self);
  if (!direction_arguments(env, arguments + 1, &self->direction)) return NULL;
  if (direction_key(&self->direction, &self->current, false)) return NULL;
  close_keys(self);
  return throw_code(env, "ERR_NATIVE", "OpenSSL cannot set up packet protection");
}

// RFC 9001 §9.5: the next keys exist before a packet can ask for them. They are made at the first short header,
// whatever its key phase bit says, and at each update; keys of long headers never have a next phase and stay small.
static bool make_next(napi_env env, opener *self) {
  if (direction_next_key(&self->direction, &self->next, false)) return true;
  throw_code(env, "ERR_NATIVE", "OpenSSL cannot update packet protection");
  return false;
}

// RFC 9000 §A.3
static uint64_t full_number(uint64_t expected, uint64_t truncated, int bytes) {
  uint64_t window = UINT64_C(1) << (8 * bytes), half = window / 2;
  uint64_t candidate = (expected & ~(window - 1)) | truncated;
  if (candidate + half <= expected && candidate < (UINT64_C(1) << 62) - window) return candidate + window;
  if (candidate > expected + half && candidate >= window) return candidate - window;
  return candidate;
}

static bool read_item(napi_env env, const packet_batch *batch, int32_t index, item *out) {
  int32_t *words = batch->descriptors.data + (size_t)index * PACKET_WORDS;
  int64_t offset = words[0], before = words[1], length = words[2];
  if (offset < 0 || before < 1 || length < 0 || offset + length > (int64_t)batch->buffer.length) {
    throw_range(env, "descriptor %d reaches outside of the buffer", index);
    return false;
  }
  out->packet = batch->buffer.data + offset;
  out->words = words;
  out->before = (int)before;
  out->length = (int)length;
  // RFC 9001 §5.4.2: a packet without room for the sample is discarded.
  out->too_short = before + MAX_PN_BYTES + SAMPLE_BYTES > length;
  return true;
}

// RFC 9001 §6.3, §6.5: which keys a short header's key phase bit means.
static packet_key *choose_key(opener *self, uint8_t first, uint64_t number, int *outcome) {
  *outcome = OUTCOME_CURRENT;
  if ((first & 0x80) != 0 || ((first >> 2) & 1) == self->phase) return &self->current;
  *outcome = number < self->first_number && packet_key_is_set(&self->previous) ? OUTCOME_PREVIOUS : OUTCOME_NEXT;
  return *outcome == OUTCOME_PREVIOUS ? &self->previous : &self->next;
}

// Returns an outcome; `number` is written when it is authentic.
static int open_item(opener *self, const item *one, const uint8_t *mask, uint64_t expected, uint64_t *number) {
  uint8_t *packet = one->packet, *truncated = packet + one->before, saved = packet[0];
  uint8_t first = saved ^ first_byte_mask(saved, mask[0]);
  int bytes = (first & 3) + 1, outcome;
  packet[0] = first;
  mask_number(truncated, bytes, mask);
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | truncated[i];
  value = full_number(expected, value, bytes);

  int header = one->before + bytes, payload = one->length - header - AEAD_TAG_BYTES;
  packet_key *key = choose_key(self, first, value, &outcome);
  // A number above 2^53-1 is beyond what this engine counts to: no peer gets there by sending.
  // `next` may lack a key only when the buffer is shared and its header type changed under our hands.
  bool hopeless = value > (uint64_t)MAX_EXACT || !packet_key_is_set(key);
  packet_verdict verdict = hopeless ? PACKET_FORGED : packet_open(key, value, packet, header, payload);
  if (verdict == PACKET_AUTHENTIC) {
    one->words[1] = header;
    one->words[2] = payload;
    *number = value;
    return outcome;
  }
  mask_number(truncated, bytes, mask);
  packet[0] = saved;
  return OUTCOME_FORGED;
}

static bool open_piece(napi_env env, opener *self, const packet_batch *batch, int32_t at, int count, uint64_t *expected,
                       int32_t *authentic) {
  item items[PIECE];
  uint8_t samples[PIECE * SAMPLE_BYTES], masks[PIECE * SAMPLE_BYTES];
  memset(samples, 0, (size_t)count * SAMPLE_BYTES);
  bool any_short = false;
  for (int i = 0; i < count; i++) {
    item *one = &items[i];
    if (!read_item(env, batch, at + i, one)) return false;
    if (one->too_short) continue;
    any_short = any_short || (one->packet[0] & 0x80) == 0;
    memcpy(samples + i * SAMPLE_BYTES, one->packet + one->before + MAX_PN_BYTES, SAMPLE_BYTES);
  }
  if (any_short && !packet_key_is_set(&self->next) && !make_next(env, self)) return false;
  if (!header_masks(&self->direction.header, samples, masks, count)) {
    throw_code(env, "ERR_NATIVE", "OpenSSL cannot remove header protection");
    return false;
  }
  for (int i = 0; i < count; i++) {
    uint64_t number;
    int outcome = items[i].too_short
                      ? OUTCOME_TOO_SHORT
                      : open_item(self, &items[i], masks + i * SAMPLE_BYTES, *expected, &number);
    items[i].words[3] = outcome;
    if (outcome < 0) continue;
    batch->numbers.data[at + i] = (double)number;
    if (number >= *expected) *expected = number + 1;
    ++*authentic;
  }
  return true;
}

static bool arg_largest(napi_env env, napi_value value, uint64_t *expected) {
  double largest;
  if (!arg_double(env, value, "largest", -1, MAX_EXACT, &largest)) return false;
  if (largest != trunc(largest)) {
    throw_range(env, "largest must be an integer");
    return false;
  }
  *expected = (uint64_t)(largest + 1);
  return true;
}

// (opener, buffer, descriptors, packetNumbers, count, largest)
static napi_value opener_run(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  packet_batch batch;
  opener *self;
  uint64_t expected;
  int32_t authentic = 0;
  item unused;
  if (!args_get(env, info, 6, arguments) ||
      (self = arg_opener(env, arguments[0])) == NULL ||
      !batch_arguments(env, arguments + 1, &batch) || !arg_largest(env, arguments[5], &expected)) {
    return NULL;
  }
  for (int32_t i = 0; i < batch.count; i++) {
    if (!read_item(env, &batch, i, &unused)) return NULL;
  }
  for (int32_t at = 0; at < batch.count; at += PIECE) {
    int count = batch.count - at < PIECE ? batch.count - at : PIECE;
    if (!open_piece(env, self, &batch, at, count, &expected, &authentic)) return NULL;
  }
  return make_int(env, authentic);
}

// (opener, firstPacket)
static napi_value opener_update(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  opener *self;
  double first;
  if (!args_get(env, info, 2, arguments) ||
      (self = arg_opener(env, arguments[0])) == NULL ||
      !arg_double(env, arguments[1], "firstPacket", 0, MAX_EXACT, &first) ||
      (!packet_key_is_set(&self->next) && !make_next(env, self))) {
    return NULL;
  }
  packet_key_clear(&self->previous);
  self->previous = self->current;
  self->current = self->next;
  memset(&self->next, 0, sizeof self->next);
  self->phase ^= 1;
  self->first_number = (uint64_t)first;
  make_next(env, self);
  return NULL;
}

static napi_value opener_drop_previous(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  opener *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_opener(env, arguments[0])) == NULL) return NULL;
  packet_key_clear(&self->previous);
  return NULL;
}

static napi_value opener_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  opener *self;
  if (!args_get(env, info, 1, arguments) || (self = arg_handle(env, arguments[0], "opener", &opener_tag)) == NULL) {
    return NULL;
  }
  close_keys(self);
  return NULL;
}

NATIVE_FUNCTIONS(opener, {"openerNew", opener_new}, {"openerOpen", opener_open}, {"openerRun", opener_run},
                 {"openerUpdate", opener_update}, {"openerDropPrevious", opener_drop_previous},
                 {"openerClose", opener_close});
