// Allowed and denied source prefixes. The longest one decides.
#ifndef CLOUDBRIDGE_LISTS_H
#define CLOUDBRIDGE_LISTS_H

#include "packet.h"

enum list_action {
  LIST_ALLOW = 1,  // past limits and rules
  LIST_DENY = 2,
};

struct prefix_v4 {
  __u32 bits;
  __be32 address;
};

struct prefix_v6 {
  __u32 bits;
  __be32 address[4];
};

struct listed {
  enum list_action action;
  __u32 entry;  // of the configuration, for whoever asks why
};

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 131072);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix_v4);
  __type(value, struct listed);
} lists_v4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 131072);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix_v6);
  __type(value, struct listed);
} lists_v6 SEC(".maps");

// @returns NULL: it is in no list
INLINE struct listed *find_listed(const struct packet *packet) {
  if (!(packet->flags & PACKET_V6)) {
    struct prefix_v4 key = {.bits = 32, .address = packet->source[0]};
    return bpf_map_lookup_elem(&lists_v4, &key);
  }
  struct prefix_v6 key = {.bits = 128};
  __builtin_memcpy(key.address, packet->source, sizeof key.address);
  return bpf_map_lookup_elem(&lists_v6, &key);
}

#endif
