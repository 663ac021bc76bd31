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

// Cipher suite, version and secret of (version, suite, secret); throws RangeError when one is unknown or of wrong size.
bool protection_arguments(napi_env env, const napi_value *arguments, const quic_version **version,
                          const cipher_suite **suite, bytes_view *secret);

#endif
