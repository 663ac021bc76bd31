// Allowed and denied source prefixes; the longest one decides. A trie of 100,000 costs a flood some 100 ns a packet: so tables
// in front of it, which user space writes in place, tell most sources that they are in no list.
#ifndef CLOUDBRIDGE_LISTS_H
#define CLOUDBRIDGE_LISTS_H

#include "packet.h"

#define MOST_LISTED 131072

// What a cell of 256 IPv4 addresses says: an action of the longest prefix that has all of them, and whether there are
// longer ones, which say something else of some.
enum list_cell {
  CELL_ACTION = 3,  // enum list_action
  CELL_HAS_ADDRESSES = 4,  // in `listed_addresses`
  CELL_HAS_PREFIXES = 8,   // of 25 to 31 bits, in `listed_v4`
};

enum list_action {
  LIST_NONE,
  LIST_ALLOW,  // past limits and rules
  LIST_DENY,
};

struct list_cells {
  __u8 of[65536];  // by the second and third byte of an address
};

// By the first byte of an address.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 256);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct list_cells);
} list_cells SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MOST_LISTED);
  __type(key, __be32);
  __type(value, enum list_action);
} listed_addresses SEC(".maps");

struct prefix_v4 {
  __u32 bits;
  __be32 address;
};

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MOST_LISTED);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix_v4);
  __type(value, enum list_action);
} listed_v4 SEC(".maps");

struct prefix_v6 {
  __u32 bits;
  __be32 address[4];
};

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MOST_LISTED);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix_v6);
  __type(value, enum list_action);
} listed_v6 SEC(".maps");

#define LIST_BLOCK_BITS 23

// Which blocks of IPv6 (by a hash of their first 32 bits) have listed prefixes: one bit each.
struct list_blocks {
  __u32 has_short;  // prefixes of less than 32 bits: all are looked for
  __u32 rest[15];
  __u8 bits[1 << (LIST_BLOCK_BITS - 3)];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct list_blocks);
} list_blocks SEC(".maps");

INLINE enum list_action listed_in_v4(const struct packet *packet) {
  __be32 source = packet->source[0];
  __u32 address = bpf_ntohl(source);
  __u32 first = address >> 24;
  struct list_cells *cells = bpf_map_lookup_elem(&list_cells, &first);
  if (!cells) return LIST_NONE;
  __u8 cell = cells->of[address >> 8 & 0xffff];
  if (cell & CELL_HAS_ADDRESSES) {
    enum list_action *action = bpf_map_lookup_elem(&listed_addresses, &source);
    if (action) return *action;
  }
  if (cell & CELL_HAS_PREFIXES) {
    struct prefix_v4 key = {.bits = 32, .address = source};
    enum list_action *action = bpf_map_lookup_elem(&listed_v4, &key);
    if (action) return *action;
  }
  return cell & CELL_ACTION;
}

// Multiplication by 2^32 divided by the golden ratio: the upper bits are well mixed.
INLINE __u32 list_block(__be32 first) { return (bpf_ntohl(first) * 0x9e3779b1u) >> (32 - LIST_BLOCK_BITS); }

INLINE enum list_action listed_in_v6(const struct packet *packet) {
  __u32 zero = 0;
  struct list_blocks *blocks = bpf_map_lookup_elem(&list_blocks, &zero);
  if (!blocks) return LIST_NONE;
  __u32 block = list_block(packet->source[0]);
  if (!blocks->has_short && !(blocks->bits[block >> 3] & 1 << (block & 7))) return LIST_NONE;
  struct prefix_v6 key = {.bits = 128};
  __builtin_memcpy(key.address, packet->source, sizeof key.address);
  enum list_action *action = bpf_map_lookup_elem(&listed_v6, &key);
  return action ? *action : LIST_NONE;
}

INLINE enum list_action listed(const struct packet *packet) {
  return packet->flags & PACKET_V6 ? listed_in_v6(packet) : listed_in_v4(packet);
}

#endif
