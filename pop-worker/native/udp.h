// What the three UDP files share: the socket, preallocated for its whole life, and its counters.
#ifndef CLOUDBRIDGE_UDP_H
#define CLOUDBRIDGE_UDP_H

#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "napi-util.h"

// protocol/burst.ts: words of a descriptor.
#define DESCRIPTOR_WORDS 16
#define D_OFFSET 0
#define D_LENGTH 1
#define D_SEGMENT 2
#define D_ECN 3
// Above the ECN codepoint of what was received, with UDP_HOP_LIMIT.
#define HOP_LIMIT_SHIFT 24
#define D_REMOTE 4
#define D_LOCAL 10
#define MAX_SEGMENTS 64

// host/udp/native.ts: UdpFlag.
#define UDP_REUSE_PORT 1
#define UDP_GRO_ON 2
#define UDP_V6ONLY 4
#define UDP_DONT_FRAGMENT 8
#define UDP_PKTINFO 16
#define UDP_ECN 32
#define UDP_GSO_OFF 64
#define UDP_CHECKSUM_OFF 128
#define UDP_WAITED 256
#define UDP_NETWORK_CONTROL 512
#define UDP_HOP_LIMIT 1024
#define UDP_ALL_FLAGS 2047

// host/udp/native.ts: UDP_COUNTERS.
enum {
  C_RECEIVED_MESSAGES,
  C_RECEIVED_SEGMENTS,
  C_RECEIVED_BYTES,
  C_RECEIVE_TRUNCATED,
  C_RECEIVE_ERRORS,
  C_SENT_MESSAGES,
  C_SENT_SEGMENTS,
  C_SENT_BYTES,
  C_GSO_FALLBACKS,
  C_GSO_REFUSALS,
  C_WOULD_BLOCK,
  C_TOO_LARGE,
  C_NO_BUFFERS,
  C_REFUSED,
  C_NOT_PERMITTED,
  C_UNREACHABLE,
  C_OTHER_ERRORS,
  UDP_COUNTERS
};

// Messages a system call moves; a descriptor without GSO becomes up to MAX_SEGMENTS of them, so it fits.
#define SLOTS 64
// Room for GRO or GSO size, ECN, the longer PKTINFO, a time and a hop limit, with what alignment adds.
#define CONTROL_BYTES 160

typedef struct {
  _Alignas(struct cmsghdr) uint8_t bytes[CONTROL_BYTES];
} control_buffer;

typedef struct {
  struct mmsghdr messages[SLOTS];
  struct iovec vectors[SLOTS];
  socket_address addresses[SLOTS];
  control_buffer controls[SLOTS];
} message_batch;

// What a prepared message stands for.
typedef struct {
  int32_t descriptor;
  int32_t start;  // bytes of the descriptor before it
  int32_t length;
  int32_t segments;
  bool fallback;  // the first of a descriptor that goes segment by segment
} message_origin;

typedef struct {
  int fd;
  int family;  // AF_INET or AF_INET6
  int flags;
  uint32_t slot_bytes;
  uint16_t port;
  // Descriptors that are still sent without GSO before it is tried again.
  uint32_t gso_pause;
  // Of CLOCK_REALTIME to CLOCK_MONOTONIC in microseconds, when it was looked at last.
  int64_t clock_offset;
  double counters[UDP_COUNTERS];
  message_batch rx;
  message_batch tx;
  message_origin origins[SLOTS];
} udp_socket;

// How far CLOCK_REALTIME, which is returned in `real` too, is ahead of CLOCK_MONOTONIC, in microseconds.
int64_t udp_clock_offset(struct timespec *real);

// The open socket behind a handle; throws and returns NULL when it is none or closed.
udp_socket *arg_udp(napi_env env, napi_value value);

#endif
