// QUIC: a connection ID may say which backend made it (draft-ietf-quic-load-balancers, 21), whatever address it comes from.
#ifndef CLOUDBRIDGE_QUIC_H
#define CLOUDBRIDGE_QUIC_H

#include <linux/in.h>

#include "aes.h"
#include "connection.h"
#include "packet.h"
#include "service.h"

#define QUIC_CONFIGS 8

enum quic_mode {
  QUIC_NONE,
  QUIC_PLAIN,  // §5.4 without a key
  QUIC_BLOCK,  // §5.4.1: server ID and nonce are one block of AES
};

// By the config rotation bits of a connection ID (§3.1).
struct quic_config {
  __u8 mode;  // enum quic_mode
  __u8 server_bytes;
  __u8 nonce_bytes;
  __u8 encodes_length;
  __u32 keys[4 * (AES_ROUNDS + 1)];  // of the way back
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, QUIC_CONFIGS);
  __type(key, __u32);
  __type(value, struct quic_config);
} quic_configs SEC(".maps");

struct server {
  __u16 service;
  __u8 config;
  __u8 rest;
  __u8 id[16];  // filled up with zeros
};

// Which backend a server ID is of.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MOST_BACKENDS);
  __type(key, struct server);
  __type(value, __u32);
} servers SEC(".maps");

// Of bytes as they lie in memory the first `count`, of up to eight.
INLINE __u64 first_bytes(__u64 word, __u32 count) { return count >= 8 ? word : word & ((1ull << (8 * count)) - 1); }

#define LONG_HEADER 0x80  // RFC 8999 §5.1

// What a short header and the longest server ID take, behind which there is more: RFC 9000 §10.3 has packets of 21 bytes at least.
#define SHORT_BYTES (1 + 1 + 16)

// Only short headers have connection IDs that servers made for sure. @returns where it begins; 0: there is none
INLINE __u8 *server_made_id(struct xdp_md *ctx, const struct packet *packet) {
  if (packet->transport > 512) return 0;
  __u8 *first = at_data(ctx) + packet->transport + sizeof(struct udphdr);
  if ((void *)(first + SHORT_BYTES) > at_end(ctx)) return 0;
  return *first & LONG_HEADER ? 0 : first + 1;
}

// @returns the number of the backend that a connection ID names; 0: none
INLINE __u32 named(struct xdp_md *ctx, const struct packet *packet, __u32 service) {
  if (packet->protocol != IPPROTO_UDP || packet->flags & PACKET_FRAGMENT) return 0;
  __u8 *id = server_made_id(ctx, packet);
  if (!id) return 0;
  __u32 rotation = *id >> 5;
  struct quic_config *config = bpf_map_lookup_elem(&quic_configs, &rotation);
  if (!config || config->mode == QUIC_NONE) return 0;
  if (config->encodes_length && (*id & 0x1f) != config->server_bytes + config->nonce_bytes) return 0;
  __u32 block[4];
  __builtin_memcpy(block, id + 1, sizeof block);
  if (config->mode == QUIC_BLOCK && !aes_decrypt(config->keys, block)) return 0;
  __u32 count = config->server_bytes;
  __u64 low = first_bytes(words(block[0], block[1]), count);
  __u64 high = count > 8 ? first_bytes(words(block[2], block[3]), count - 8) : 0;
  struct server key = {.service = service, .config = rotation};
  __builtin_memcpy(key.id, &low, sizeof low);
  __builtin_memcpy(key.id + sizeof low, &high, sizeof high);
  __u32 *backend = bpf_map_lookup_elem(&servers, &key);
  if (!backend || !find_backend(*backend)) {
    count_choice(CHOICE_UNNAMED);
    return 0;
  }
  count_choice(CHOICE_NAMED);
  return *backend;
}

#endif
