// Which backend has a connection, so that it stays there while others come and go. A table of fixed size: eight to a line,
// found by the hash. Nothing is allocated and nothing is locked. What has sent one packet only gives way first, so that a flood
// of random sources takes places from itself.
#ifndef CLOUDBRIDGE_CONNECTION_H
#define CLOUDBRIDGE_CONNECTION_H

#include <linux/in.h>

#include "maglev.h"
#include "service.h"

#define CONNECTION_WAYS 8

// What has to outlive a process besides the table: the same seed finds the same places.
struct kept {
  __u8 flow_seed[8];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct kept);
} kept SEC(".maps");

// In the order of `settings.timeouts`.
enum connection_state {
  CONNECTION_NEW,  // one packet was seen, or of TCP nothing but SYN
  CONNECTION_TCP,
  CONNECTION_UDP,
  CONNECTION_CLOSING,  // FIN or RST was seen
};

// One word, so that a line is a cache line, and two writers leave no mixture: 30 bits of the flow's hash, two of its state, 16 of
// when it will have been silent for too long, 16 of its backend's number. 0: free. Of a flow that is taken for another one, once
// in some 100 million, the backend is one of the same service all the same.
typedef __u64 connection;
#define TAG_AT 34
#define STATE_AT 32
#define END_AT 16

struct connection_line {
  connection of[CONNECTION_WAYS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << 17);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct connection_line);
} connections SEC(".maps");

// Why a packet went where it went.
enum choice {
  CHOICE_KNOWN,   // in the table
  CHOICE_NEW,     // by the ring, and kept
  CHOICE_MOVED,   // its backend is gone: by the ring
  CHOICE_UNKEPT,  // by the ring; there was no room in the table
  CHOICE_NAMED,   // its connection ID says so
  CHOICE_UNNAMED,  // of a connection ID that says nothing we know
  CHOICE_NOBODY,
};
#define CHOICES (CHOICE_NOBODY + 1)

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CHOICES);
  __type(key, enum choice);
  __type(value, __u64);
} choices SEC(".maps");

INLINE void count_choice(enum choice which) {
  enum choice key = which;
  __u64 *at = bpf_map_lookup_elem(&choices, &key);
  if (at) ++*at;
}

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

INLINE int is_syn(const struct packet *packet) {
  return packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

INLINE __u32 state_after(const struct packet *packet, __u32 state) {
  if (packet->protocol != IPPROTO_TCP) return CONNECTION_UDP;
  if (state == CONNECTION_CLOSING || packet->tcp_flags & (TCP_FIN | TCP_RST)) return CONNECTION_CLOSING;
  return is_syn(packet) ? state : CONNECTION_TCP;
}

INLINE __u32 first_state(const struct packet *packet) {
  return packet->protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_FIN | TCP_RST) ? CONNECTION_CLOSING : CONNECTION_NEW;
}

// In units of some two seconds: they come round after more than a day.
INLINE __u16 connection_time(void) { return bpf_jiffies64() >> settings.time_shift; }

INLINE __u32 backend_of(connection is) { return is & 0xffff; }
INLINE __u32 state_of(connection is) { return is >> STATE_AT & 3; }
INLINE __u16 end_of(connection is) { return is >> END_AT; }
INLINE int is_expired(connection is, __u16 now) { return (__s16)(now - end_of(is)) >= 0; }

INLINE connection connection_of(__u64 hash, __u32 state, __u32 backend, __u16 now) {
  __u16 end = now + settings.timeouts[state & 3];
  return hash >> TAG_AT << TAG_AT | (__u64)(state & 3) << STATE_AT | (__u64)end << END_AT | (backend & 0xffff);
}

// 1 where it is 0. Without a branch: the verifier would walk all that eight of them make possible.
INLINE __u64 is_zero(__u64 small) {
  __u64 less = small - 1;
  asm volatile("" : "+r"(less));
  return less >> 63;
}

// How much a place may be taken: free, silent for too long, of one packet only, and of these by how long it is silent.
#define SPARE (1 << 17)
INLINE __u32 spareness(connection is, __u16 now) {
  __u32 over = (__u16)(now - end_of(is) + (1 << 15));
  return is_zero(backend_of(is)) << 19 | over >> 15 << 18 | is_zero(state_of(is)) << 17 | over;
}

// @returns the place of a flow; 0: it has none
INLINE connection *find_connection(struct connection_line *line, __u64 hash) {
#pragma unroll
  for (int i = 0; i < CONNECTION_WAYS; i++)
    if ((line->of[i] ^ hash) >> TAG_AT == 0) return &line->of[i];
  return 0;
}

// @returns a place that may be taken; 0: there is none
INLINE connection *spare_place(struct connection_line *line, __u16 now) {
  __u32 most = 0;
#pragma unroll
  for (int i = 0; i < CONNECTION_WAYS; i++) {
    __u32 spare = spareness(line->of[i], now) * CONNECTION_WAYS + i;
    if (spare > most) most = spare;
  }
  return most >= SPARE * CONNECTION_WAYS ? &line->of[most & (CONNECTION_WAYS - 1)] : 0;
}

INLINE void keep(connection *at, connection is) {
  if (*at != is) *(volatile connection *)at = is;
}

// @returns whether its backend may have packets of this service
INLINE int is_backend(__u32 id, __u32 service) {
  struct backend *backend = find_backend(id);
  return backend && backend->service == service;
}

// @returns the number of the backend of a flow that goes on; 0: it is to be chosen anew
INLINE __u32 continued(connection *at, const struct packet *packet, __u32 service, __u64 hash, __u16 now) {
  connection is = *at;
  // A SYN begins anew, unless the connection is open: strangers must not move it (RFC 5961 §4 is the backend's answer).
  if (is_syn(packet) && state_of(is) != CONNECTION_TCP) return 0;
  __u32 id = backend_of(is);
  if (is_expired(is, now) || !is_backend(id, service)) return 0;
  keep(at, connection_of(hash, state_after(packet, state_of(is)), id, now));
  return id;
}

// @returns the number of the backend for a packet of a flow; 0: nobody
INLINE __u32 choose(const struct packet *packet, __u32 service, __u64 hash) {
  __u32 index = hash & (settings.connection_lines - 1);
  struct connection_line *line = bpf_map_lookup_elem(&connections, &index);
  if (!line) return 0;
  __u16 now = connection_time();
  connection *at = find_connection(line, hash);
  __u32 id = at ? continued(at, packet, service, hash, now) : 0;
  if (id) {
    count_choice(CHOICE_KNOWN);
    return id;
  }
  id = in_ring(service, hash);
  if (!id) {
    count_choice(CHOICE_NOBODY);
    return 0;
  }
  if (at) {
    count_choice(is_expired(*at, now) || backend_of(*at) == id ? CHOICE_NEW : CHOICE_MOVED);
  } else {
    at = spare_place(line, now);
    count_choice(at ? CHOICE_NEW : CHOICE_UNKEPT);
  }
  if (at) keep(at, connection_of(hash, first_state(packet), id, now));
  return id;
}

// For what is told of a flow (ICMP errors), which changes nothing. @returns as `choose`
INLINE __u32 chosen(__u32 service, __u64 hash) {
  __u32 index = hash & (settings.connection_lines - 1);
  struct connection_line *line = bpf_map_lookup_elem(&connections, &index);
  connection *at = line ? find_connection(line, hash) : 0;
  __u32 id = at ? backend_of(*at) : 0;
  return id && is_backend(id, service) ? id : in_ring(service, hash);
}

#endif
