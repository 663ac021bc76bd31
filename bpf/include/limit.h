// Rates of sources: token buckets in a table of fixed size, four to a cache line. A flood of random sources takes the places of
// those that have been silent longest, and no others; nothing is allocated, nothing is locked.
#ifndef CLOUDBRIDGE_LIMIT_H
#define CLOUDBRIDGE_LIMIT_H

#include "packet.h"
#include "settings.h"

#define LIMIT_WAYS 4
#define TOKEN 1024  // of a packet

struct bucket {
  __u32 tag;  // of source and class; 0: free
  __u32 time;  // of the last packet, in 2^20 ns
  __u32 tokens;
  __u32 dropped;  // since it is this source's
};

struct bucket_line {
  struct bucket of[LIMIT_WAYS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << 16);
  __type(key, __u32);
  __type(value, struct bucket_line);
} limits SEC(".maps");

INLINE __u64 mix(__u64 value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93ull;
  return value ^ value >> 32;
}

// Of the prefix of a source, and of a class. Nobody outside can find two that collide: the seed is random.
INLINE __u64 source_hash(const struct packet *packet, enum limit_class class) {
  __u64 source = packet->source[0];
  if (packet->flags & PACKET_V6) source |= (__u64)packet->source[1] << 32;
  const volatile __u8 *mask = packet->flags & PACKET_V6 ? settings.limit_mask_v6 : settings.limit_mask_v4;
  source &= *(const volatile __u64 *)mask;
  return mix(mix(source ^ *(const volatile __u64 *)settings.seed) + class * 2 + !!(packet->flags & PACKET_V6));
}

INLINE __u32 limit_time(void) {
  __u64 ns = settings.has_coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
  return ns >> 20;
}

// @returns the bucket of this tag, or the one that has been silent longest
INLINE struct bucket *find_bucket(struct bucket_line *line, __u32 tag, __u32 now) {
  struct bucket *oldest = &line->of[0];
#pragma unroll
  for (int i = 0; i < LIMIT_WAYS; i++) {
    struct bucket *at = &line->of[i];
    if (at->tag == tag) return at;
    if (now - at->time > now - oldest->time) oldest = at;
  }
  return oldest;
}

// @returns whether the packet is one too many
INLINE int is_over_limit(const struct packet *packet, enum limit_class class) {
  const volatile struct limit *limit = &settings.limits[class & (LIMIT_CLASSES - 1)];
  if (limit->rate == 0) return 0;
  __u64 hash = source_hash(packet, class);
  __u32 index = hash & (settings.limit_lines - 1);
  __u32 tag = (__u32)(hash >> 32) | 1;
  struct bucket_line *line = bpf_map_lookup_elem(&limits, &index);
  if (!line) return 0;
  __u32 now = limit_time();
  struct bucket *bucket = find_bucket(line, tag, now);
  if (bucket->tag != tag) {
    bucket->tag = tag;
    bucket->time = now;
    bucket->tokens = limit->burst - TOKEN;
    bucket->dropped = 0;
    return 0;
  }
  __u64 tokens = bucket->tokens + (__u64)(now - bucket->time) * limit->rate;
  if (tokens > limit->burst) tokens = limit->burst;
  bucket->time = now;
  if (tokens < TOKEN) {
    bucket->tokens = tokens;
    bucket->dropped++;
    return 1;
  }
  bucket->tokens = tokens - TOKEN;
  return 0;
}

#endif
