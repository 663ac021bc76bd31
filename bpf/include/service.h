// Services: what is asked for by address, port and protocol, and the backends that stand behind it. User space writes all of it.
#ifndef CLOUDBRIDGE_SERVICE_H
#define CLOUDBRIDGE_SERVICE_H

#include "packet.h"
#include "settings.h"

#define MOST_SERVICES 4096
#define MOST_BACKENDS 4096

struct service_key {
  __be32 address[4];  // IPv4: the first word alone
  __be16 port;        // 0: any; of ICMP always
  __u8 protocol;
  __u8 is_v6;
};

// A service of a prefix of addresses.
struct service_prefix {
  __u32 bits;  // of all that follows
  __u8 protocol;
  __u8 is_v6;
  __be16 port;
  __be32 address[4];
};
#define SERVICE_PREFIX_BITS 32  // in front of the address

enum service_flag {
  SERVICE_BY_SOURCE = 1,  // all that comes from an address goes to one backend, fragments too
  SERVICE_QUIC = 2,       // connection IDs say where packets go
};

struct service {
  __u32 id;  // 0: an address that has services, which answers to echo
  __u32 flags;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MOST_SERVICES);
  __type(key, struct service_key);
  __type(value, struct service);
} services SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MOST_SERVICES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct service_prefix);
  __type(value, struct service);
} service_prefixes SEC(".maps");

enum backend_state {
  BACKEND_GONE,
  BACKEND_UP,
  BACKEND_DRAINING,  // keeps the connections that it has
  BACKEND_DOWN,
};

enum encapsulation {
  ENCAPSULATION_IPIP,    // RFC 2003, RFC 2473, RFC 4213: IP in IP, of either family in either
  ENCAPSULATION_GUE,     // draft-ietf-intarea-gue §4: IP in UDP, variant 1
  ENCAPSULATION_DIRECT,  // the backend is a neighbour that has the service's address: no header, its link-layer address
};

// One cache line. Number 0 is nobody.
struct backend {
  __be32 address[4];  // where the outer packet goes to
  __be32 source[4];   // of the outer packet
  __be32 spread;      // which bits of the last word of `source` are the flow's, for receivers that hash addresses alone
  __u8 next_hop[6];
  __u8 own[6];      // link-layer address that the frame comes from
  __u32 interface;  // 0: the one that the packet came by
  __u16 service;
  __u16 mtu;     // of an IP packet on the way there
  __be16 port;   // of the outer UDP header
  __u8 state;    // enum backend_state
  __u8 encapsulation;
  __u8 is_v6;
  __u8 rest[3];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MOST_BACKENDS);
  __type(key, __u32);
  __type(value, struct backend);
} backends SEC(".maps");

struct carried {
  __u64 packets;
  __u64 bytes;
};

// By the number of a service.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, MOST_SERVICES);
  __type(key, __u32);
  __type(value, struct carried);
} service_counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, MOST_BACKENDS);
  __type(key, __u32);
  __type(value, struct carried);
} backend_counts SEC(".maps");

INLINE void carry(void *map, __u32 id, __u64 bytes) {
  struct carried *at = bpf_map_lookup_elem(map, &id);
  if (!at) return;
  at->packets++;
  at->bytes += bytes;
}

INLINE struct service *find_in_prefixes(const struct packet *packet, __be16 port, __u8 protocol) {
  __u8 is_v6 = packet->flags & PACKET_V6;
  struct service_prefix key = {.bits = SERVICE_PREFIX_BITS + (is_v6 ? 128 : 32), .protocol = protocol, .is_v6 = is_v6};
  key.port = port;
  __builtin_memcpy(key.address, packet->target, sizeof key.address);
  return bpf_map_lookup_elem(&service_prefixes, &key);
}

// An address before a prefix; of each, a port before any. @param port 0: any, or of ICMP
INLINE struct service *find_service(const struct packet *packet, __be16 port, __u8 protocol) {
  struct service_key key = {.port = port, .protocol = protocol, .is_v6 = packet->flags & PACKET_V6};
  __builtin_memcpy(key.address, packet->target, sizeof key.address);
  struct service *service = bpf_map_lookup_elem(&services, &key);
  if (service) return service;
  if (settings.has_any_port && port != 0) {
    key.port = 0;
    service = bpf_map_lookup_elem(&services, &key);
    if (service) return service;
  }
  if (!settings.has_service_prefixes) return 0;
  service = find_in_prefixes(packet, port, protocol);
  if (service || port == 0 || !settings.has_any_port) return service;
  return find_in_prefixes(packet, 0, protocol);
}

// @returns a backend that may have packets; 0: there is none of this number
INLINE struct backend *find_backend(__u32 id) {
  struct backend *backend = bpf_map_lookup_elem(&backends, &id);
  if (!backend) return 0;
  return backend->state == BACKEND_UP || backend->state == BACKEND_DRAINING ? backend : 0;
}

#endif
