// BLAKE2s (RFC 7693) of memory, and HMAC over it: the hash of WireGuard's handshake and macs. OpenSSL takes longer to be told
// of a message than these take to hash one.
#ifndef CLOUDBRIDGE_BLAKE2S_H
#define CLOUDBRIDGE_BLAKE2S_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLAKE2S_BYTES 32
#define BLAKE2S_BLOCK_BYTES 64

typedef struct {
  uint32_t state[8];
  uint64_t count;  // bytes that were compressed
  uint8_t block[BLAKE2S_BLOCK_BYTES];
  size_t held;  // bytes of the block in use
  size_t out_bytes;
} blake2s;

// `out_bytes` 1 to 32, `key_bytes` 0 to 32.
void blake2s_init(blake2s *self, size_t out_bytes, const uint8_t *key, size_t key_bytes);
void blake2s_update(blake2s *self, const uint8_t *data, size_t length);
// Wipes the state.
void blake2s_final(blake2s *self, uint8_t *out);

// Of one part or two.
void blake2s_of(const uint8_t *first, size_t first_bytes, const uint8_t *second, size_t second_bytes,
                uint8_t out[BLAKE2S_BYTES]);
// Keyed, with 16 bytes of output.
void blake2s_mac(const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t length, uint8_t out[16]);

// KDF1 to KDF3 of the paper (§5.4), which is HKDF (RFC 5869) with HMAC-BLAKE2s. Any output may be the chaining key.
void blake2s_kdf(const uint8_t chain[BLAKE2S_BYTES], const uint8_t *input, size_t input_bytes, int outputs,
                 uint8_t out[][BLAKE2S_BYTES]);

#endif
