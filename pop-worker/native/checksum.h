// The Internet checksum (RFC 1071) of memory.
#ifndef CLOUDBRIDGE_CHECKSUM_H
#define CLOUDBRIDGE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

// The sum of the 16-bit words in network order, the last one with a zero where there is but one byte; folded to 16 bits.
uint32_t checksum_range(const uint8_t *at, size_t length);

// Sums of such sums, folded.
static inline uint16_t checksum_fold(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static inline void store16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline uint32_t load16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static inline uint32_t load32(const uint8_t *at) { return load16(at) << 16 | load16(at + 2); }

static inline void store32(uint8_t *at, uint32_t value) {
  store16(at, value >> 16);
  store16(at + 2, value & 0xffff);
}

#endif
