// What became of packets: one counter each, per CPU, so that counting costs an addition.
#ifndef CLOUDBRIDGE_COUNT_H
#define CLOUDBRIDGE_COUNT_H

#include "packet.h"

// Order is layout: new ones go to the end.
enum counter {
  PASSED,
  NOT_IP,
  DROP_MALFORMED,
  DROP_MARTIAN,
  DROP_FRAGMENT,
  DROP_OPTIONS,
  DROP_DENIED,
  ALLOWED,
  DROP_LIMITED,
  BALANCED,
  ANSWERED_ECHO,
  ANSWERED_TOO_BIG,
  DROP_TOO_BIG,
  DROP_NO_BACKEND,
  DROP_NO_ROOM,  // in front of a packet, for headers
  DROP_SERVICE_FRAGMENT,
};
#define COUNTERS (DROP_SERVICE_FRAGMENT + 1)

struct count {
  __u64 packets;
  __u64 bytes;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, COUNTERS);
  __type(key, enum counter);
  __type(value, struct count);
} counts SEC(".maps");

INLINE void count(enum counter which, __u64 bytes) {
  enum counter key = which;
  struct count *at = bpf_map_lookup_elem(&counts, &key);
  if (!at) return;
  at->packets++;
  at->bytes += bytes;
}

#endif
