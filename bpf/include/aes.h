// AES-128 of one block, the way back (FIPS 197 §5.3.5, the equivalent inverse cipher). Tables and keys are user space's work.
#ifndef CLOUDBRIDGE_AES_H
#define CLOUDBRIDGE_AES_H

#include "packet.h"

#define AES_ROUNDS 10

// What a byte of the first row becomes: through the inverse S-box, then mixed into its column; those of other rows are rotated.
struct aes_tables {
  __u32 mixed[256];
  __u8 plain[256];  // of the last round, which mixes nothing
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct aes_tables);
} aes_tables SEC(".maps");

INLINE __u32 rotated(__u32 word, int bits) { return word << bits | word >> (32 - bits); }

// @param state columns, of which the first byte is the lowest @param column of the result
INLINE __u32 mixed_column(const struct aes_tables *tables, const __u32 *state, int column) {
  return tables->mixed[state[column] & 255] ^ rotated(tables->mixed[state[(column + 3) & 3] >> 8 & 255], 8) ^
         rotated(tables->mixed[state[(column + 2) & 3] >> 16 & 255], 16) ^
         rotated(tables->mixed[state[(column + 1) & 3] >> 24], 24);
}

INLINE __u32 plain_column(const struct aes_tables *tables, const __u32 *state, int column) {
  return tables->plain[state[column] & 255] | tables->plain[state[(column + 3) & 3] >> 8 & 255] << 8 |
         tables->plain[state[(column + 2) & 3] >> 16 & 255] << 16 |
         (__u32)tables->plain[state[(column + 1) & 3] >> 24] << 24;
}

// @param keys four words a round, the last round of encryption first @param block 16 bytes, in place
// @returns whether there are tables
INLINE int aes_decrypt(const __u32 *keys, __u32 *block) {
  __u32 zero = 0;
  struct aes_tables *tables = bpf_map_lookup_elem(&aes_tables, &zero);
  if (!tables) return 0;
#pragma unroll
  for (int i = 0; i < 4; i++) block[i] ^= keys[i];
#pragma unroll
  for (int round = 1; round < AES_ROUNDS; round++) {
    __u32 next[4];
#pragma unroll
    for (int i = 0; i < 4; i++) next[i] = mixed_column(tables, block, i) ^ keys[4 * round + i];
#pragma unroll
    for (int i = 0; i < 4; i++) block[i] = next[i];
  }
  __u32 last[4];
#pragma unroll
  for (int i = 0; i < 4; i++) last[i] = plain_column(tables, block, i) ^ keys[4 * AES_ROUNDS + i];
#pragma unroll
  for (int i = 0; i < 4; i++) block[i] = last[i];
  return 1;
}

#endif
