// Which backend a flow belongs to that nothing is known of: Maglev (Eisenbud et al., NSDI 2016, §3.4). Rings are filled by user
// space, a map each, and put in the place of the one before at once.
#ifndef CLOUDBRIDGE_MAGLEV_H
#define CLOUDBRIDGE_MAGLEV_H

#include "limit.h"
#include "service.h"

#define RING_PLACES 65537

struct ring {
  // Numbers of backends; 0: nobody. The last is no place: the verifier bounds them by bytes, and sees one more.
  __u16 of[RING_PLACES + 1];
};

// By the number of a service.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, MOST_SERVICES);
  __type(key, __u32);
  __array(
      values, struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __uint(key_size, sizeof(__u32));
        __uint(value_size, sizeof(struct ring));
      });
} rings SEC(".maps");

INLINE __u64 words(__be32 first, __be32 second) { return first | (__u64)second << 32; }

// Of who speaks with whom. Nobody outside can find two that collide: the seed is random.
INLINE __u64 flow_hash(const struct packet *packet, int is_by_source) {
  __u64 hash = *(const volatile __u64 *)settings.flow_seed;
  __u64 last = packet->protocol;
  if (!is_by_source) last |= (__u64)packet->source_port << 16 | (__u64)packet->target_port << 32;
  if (packet->flags & PACKET_V6) {
    hash = mix(hash ^ words(packet->source[0], packet->source[1]));
    hash = mix(hash ^ words(packet->source[2], packet->source[3]));
    hash = mix(hash ^ words(packet->target[0], packet->target[1]));
    hash = mix(hash ^ words(packet->target[2], packet->target[3]));
  } else {
    hash = mix(hash ^ words(packet->source[0], packet->target[0]));
  }
  return mix(mix(hash ^ last));
}

// @returns the number of a backend; 0: nobody
INLINE __u32 in_ring(__u32 service, __u64 hash) {
  void *map = bpf_map_lookup_elem(&rings, &service);
  if (!map) return 0;
  __u32 zero = 0;
  struct ring *ring = bpf_map_lookup_elem(map, &zero);
  if (!ring) return 0;
  __u64 place = (hash >> 32) * RING_PLACES >> 32;
  return ring->of[place];
}

#endif
