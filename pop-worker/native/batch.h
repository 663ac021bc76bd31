// What sealing and opening a batch of packets have in common: `PACKET_WORDS` and the packet numbers of quic/ports.ts.
#ifndef CLOUDBRIDGE_BATCH_H
#define CLOUDBRIDGE_BATCH_H

#include "napi-util.h"
#include "packet-key.h"

#define PACKET_WORDS 4
#define MAX_EXACT 9007199254740991.0  // Number.MAX_SAFE_INTEGER
// Packets for which masks are made in one go; a larger batch is worked off in pieces of this.
#define PIECE 256

typedef struct {
  bytes_view buffer;
  words_view descriptors;
  doubles_view numbers;
  int32_t count;
} packet_batch;

// Takes (buffer, descriptors, packetNumbers, count) from four arguments.
bool batch_arguments(napi_env env, const napi_value *arguments, packet_batch *batch);

// RFC 9001 §5.4.1: four bits of a long header's first byte are protected, five of a short one's.
static inline uint8_t first_byte_mask(uint8_t first, uint8_t mask) { return mask & (first & 0x80 ? 0x0f : 0x1f); }

static inline void mask_number(uint8_t *number, int bytes, const uint8_t *mask) {
  for (int i = 0; i < bytes; i++) number[i] ^= mask[1 + i];
}

// One direction of a connection's packets in one encryption level: what stays the same over its key phases.
typedef struct {
  const cipher_suite *suite;
  const quic_version *version;
  uint8_t secret[MAX_SECRET_BYTES];  // of the newest key phase that has a key
  header_key header;
} direction;

// Takes (version, suite, secret) from three arguments; throws RangeError when one is unknown or of wrong size.
bool direction_arguments(napi_env env, const napi_value *arguments, direction *out);

// The AEAD key of the secret as it is now.
bool direction_key(const direction *self, packet_key *key, bool seal);

// The secret of the next key phase, and its key.
bool direction_next_key(direction *self, packet_key *key, bool seal);

// Wipes secret and keys. What was closed has no suite.
void direction_close(direction *self);

#endif
