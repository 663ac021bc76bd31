// The Internet checksum's sum (RFC 1071) over a range, eight bytes at a time.
#include "checksum.h"

#include <string.h>

#include "napi-util.h"

static uint32_t fold64(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint32_t)sum;
}

#if defined(__x86_64__)
#include <immintrin.h>

// 64 bytes at a time: 32-bit words as 64-bit ones, which 2^32 of them do not make overflow.
__attribute__((target("avx2"))) static uint64_t sum_blocks(const uint8_t *at, size_t blocks) {
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (; blocks > 0; at += 64, blocks--) {
    __m256i one = _mm256_loadu_si256((const __m256i *)at), other = _mm256_loadu_si256((const __m256i *)(at + 32));
    a = _mm256_add_epi64(a, _mm256_and_si256(one, low));
    b = _mm256_add_epi64(b, _mm256_srli_epi64(one, 32));
    c = _mm256_add_epi64(c, _mm256_and_si256(other, low));
    d = _mm256_add_epi64(d, _mm256_srli_epi64(other, 32));
  }
  uint64_t lanes[4];
  _mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

static bool has_blocks(void) { return __builtin_cpu_supports("avx2"); }
#else
static uint64_t sum_blocks(const uint8_t *at, size_t blocks) {
  (void)at, (void)blocks;
  return 0;
}

static bool has_blocks(void) { return false; }
#endif

// RFC 1071 §2(B): the sum of swapped words is the swapped sum, so it is taken in the machine's order and swapped once.
uint32_t checksum_range(const uint8_t *at, size_t length) {
  uint64_t sum = 0;
  if (length >= 64 && has_blocks()) {
    sum = sum_blocks(at, length / 64);
    at += length / 64 * 64;
    length %= 64;
  }
  for (; length >= 8; at += 8, length -= 8) {
    uint64_t words;
    memcpy(&words, at, 8);
    sum += words & 0xffffffff;
    sum += words >> 32;
  }
  for (; length >= 2; at += 2, length -= 2) {
    uint16_t word;
    memcpy(&word, at, 2);
    sum += word;
  }
  if (length == 1) {
    uint8_t last[2] = {*at, 0};
    uint16_t word;
    memcpy(&word, last, 2);
    sum += word;
  }
  uint32_t folded = fold64(sum);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  folded = ((folded & 0xff) << 8) | (folded >> 8);
#endif
  return folded;
}

static napi_value checksum_sum(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bytes_view buffer;
  int start, end;
  if (!args_get(env, info, 3, args) || !arg_bytes(env, args[0], "buffer", &buffer) ||
      !arg_int(env, args[1], "start", 0, INT32_MAX, &start) || !arg_int(env, args[2], "end", 0, INT32_MAX, &end)) {
    return NULL;
  }
  if (start > end || (size_t)end > buffer.length) return throw_range(env, "start and end must lie within the buffer");
  return make_int(env, (int32_t)checksum_range(buffer.data + start, (size_t)(end - start)));
}

NATIVE_FUNCTIONS(checksum, {"checksumSum", checksum_sum});
