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

// The lower two bits are the place in `settings.timeouts`.
enum connection_state {
  CONNECTION_FREE = 0,
  CONNECTION_NEW = 12,  // one packet was seen, or of TCP nothing but SYN
  CONNECTION_TCP = 9,
  CONNECTION_UDP = 10,
  CONNECTION_CLOSING = 11,  // FIN or RST was seen
};
#define CONNECTION_USED 8
#define CONNECTION_UNCONFIRMED 4

struct connection {
  // 48 bits of the flow's hash, and 16 of the backend's number: one store, so that two writers leave no mixture.
  __u64 flow;
  __u32 end;    // when it will have been silent for too long, in ticks of the kernel
  __u32 state;  // enum connection_state
};

struct connection_line {
  struct connection of[CONNECTION_WAYS];
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

INLINE int is_expired(const struct connection *at, __u32 now) { return (__s32)(now - at->end) > 0; }

// How much a place may be taken: free, silent for too long, of one packet only, and of these by how long it is silent. Without
// a branch: the verifier would walk all that eight of them make possible.
#define SPARE (1ull << 32)
INLINE __u64 spareness(const struct connection *at, __u32 now) {
  __u32 over = now - at->end + (1u << 31);
  __u64 is_over = over >> 31;
  __u64 is_free = (at->state ^ CONNECTION_USED) >> 3 & 1;
  __u64 is_unconfirmed = at->state >> 2 & 1;
  return is_free << 34 | is_over << 33 | is_unconfirmed << 32 | over;
}

// @returns the place of a flow; 0: it has none
INLINE struct connection *find_connection(struct connection_line *line, __u64 hash) {
#pragma unroll
  for (int i = 0; i < CONNECTION_WAYS; i++)
    if ((line->of[i].flow ^ hash) >> 16 == 0) return &line->of[i];
  return 0;
}

// @returns a place that may be taken; 0: there is none
INLINE struct connection *spare_place(struct connection_line *line, __u32 now) {
  __u64 most = 0;
#pragma unroll
  for (int i = 0; i < CONNECTION_WAYS; i++) {
    __u64 spare = spareness(&line->of[i], now) * CONNECTION_WAYS + i;
    if (spare > most) most = spare;
  }
  return most >= SPARE * CONNECTION_WAYS ? &line->of[most & (CONNECTION_WAYS - 1)] : 0;
}

INLINE void touch(struct connection *at, __u32 state, __u32 now) {
  __u32 end = now + settings.timeouts[state & 3];
  if (at->state != state) at->state = state;
  if (at->end != end) at->end = end;
}

// @returns the number of the backend of a flow that goes on; 0: it is to be chosen anew
INLINE __u32 continued(struct connection *at, const struct packet *packet, __u32 now) {
  // A SYN begins anew, unless the connection is open: strangers must not move it (RFC 5961 §4 is the backend's answer).
  if (is_syn(packet) && at->state != CONNECTION_TCP) return 0;
  if (is_expired(at, now)) return 0;
  __u32 id = at->flow & 0xffff;
  if (!find_backend(id)) return 0;
  touch(at, state_after(packet, at->state), now);
  return id;
}

INLINE void keep(struct connection *at, const struct packet *packet, __u64 hash, __u32 id, __u32 now) {
  touch(at, first_state(packet), now);
  *(volatile __u64 *)&at->flow = (hash & ~0xffffull) | id;
}

// @returns the number of the backend for a packet of a flow; 0: nobody
INLINE __u32 choose(const struct packet *packet, __u32 service, __u64 hash) {
  __u32 index = hash & (settings.connection_lines - 1);
  struct connection_line *line = bpf_map_lookup_elem(&connections, &index);
  if (!line) return 0;
  __u32 now = bpf_jiffies64();
  struct connection *at = find_connection(line, hash);
  __u32 id = at ? continued(at, packet, now) : 0;
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
    count_choice(is_expired(at, now) || (at->flow & 0xffff) == id ? CHOICE_NEW : CHOICE_MOVED);
  } else {
    at = spare_place(line, now);
    count_choice(at ? CHOICE_NEW : CHOICE_UNKEPT);
  }
  if (at) keep(at, packet, hash, id, now);
  return id;
}

// For what is told of a flow (ICMP errors), which changes nothing. @returns as `choose`
INLINE __u32 chosen(__u32 service, __u64 hash) {
  __u32 index = hash & (settings.connection_lines - 1);
  struct connection_line *line = bpf_map_lookup_elem(&connections, &index);
  struct connection *at = line ? find_connection(line, hash) : 0;
  __u32 id = at ? at->flow & 0xffff : 0;
  return id && find_backend(id) ? id : in_ring(service, hash);
}

#endif
