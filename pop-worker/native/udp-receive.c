// Receiving a burst: one recvmmsg into slots of the caller's buffer, one descriptor for each message.
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "udp.h"

// Errors of earlier datagrams that a receive may report in place of a message; bounded, so that a stream of them
// cannot hold the thread.
#define MAX_ASYNCHRONOUS_ERRORS 8
// A time of arrival further back is none to believe.
#define MAX_WAITED_US 1000000
// CLOCK_REALTIME was set if it moved by more against CLOCK_MONOTONIC.
#define STEADY_US 1000
// protocol/burst.ts: waitedUs.
#define WAITED_SHIFT 2
// The event loop stands still meanwhile.
#define MAX_LOOK_US 1000

static void prepare(udp_socket *self, uint8_t *at, int slots) {
  message_batch *rx = &self->rx;
  for (int i = 0; i < slots; i++) {
    rx->vectors[i].iov_base = at + (size_t)i * self->slot_bytes;
    rx->vectors[i].iov_len = self->slot_bytes;
    struct msghdr *header = &rx->messages[i].msg_hdr;
    header->msg_name = &rx->addresses[i];
    header->msg_namelen = sizeof rx->addresses[i];
    header->msg_iov = &rx->vectors[i];
    header->msg_iovlen = 1;
    header->msg_control = rx->controls[i].bytes;
    header->msg_controllen = CONTROL_BYTES;
    header->msg_flags = 0;
  }
}

static int receive_messages(udp_socket *self, int slots) {
  for (int errors = 0; errors < MAX_ASYNCHRONOUS_ERRORS; errors++) {
    int received = recvmmsg(self->fd, self->rx.messages, (unsigned)slots, MSG_DONTWAIT, NULL);
    if (received >= 0) return received;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) self->counters[C_RECEIVE_ERRORS]++;
  }
  return 0;
}

static void take_hop_limit(const struct cmsghdr *control, int32_t *words) {
  int limit;
  memcpy(&limit, CMSG_DATA(control), sizeof limit);
  words[D_ECN] |= (int32_t)((uint32_t)limit << HOP_LIMIT_SHIFT);
}

static void take_ipv4_control(const struct cmsghdr *control, int32_t *words, uint16_t port) {
  if (control->cmsg_type == IP_TOS) {
    words[D_ECN] |= *CMSG_DATA(control) & 3;
  } else if (control->cmsg_type == IP_TTL) {
    take_hop_limit(control, words);
  } else if (control->cmsg_type == IP_PKTINFO) {
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    // The destination of the header, not the routing's idea of it: the reply must come from what was asked.
    words_from_v4(&words[D_LOCAL], info.ipi_addr, port);
  }
}

static void take_ipv6_control(const struct cmsghdr *control, int32_t *words, uint16_t port) {
  if (control->cmsg_type == IPV6_TCLASS) {
    int traffic_class;
    memcpy(&traffic_class, CMSG_DATA(control), sizeof traffic_class);
    words[D_ECN] |= traffic_class & 3;
  } else if (control->cmsg_type == IPV6_HOPLIMIT) {
    take_hop_limit(control, words);
  } else if (control->cmsg_type == IPV6_PKTINFO) {
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    // The interface only counts where the address means nothing without it: elsewhere replies follow the routes, and
    // a peer that arrives by another interface is on the same path.
    uint32_t scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
    words_from_v6(&words[D_LOCAL], &info.ipi6_addr, port, scope);
  }
}

int64_t udp_clock_offset(struct timespec *real) {
  struct timespec steady;
  clock_gettime(CLOCK_REALTIME, real);
  clock_gettime(CLOCK_MONOTONIC, &steady);
  return (int64_t)(real->tv_sec - steady.tv_sec) * 1000000 + (real->tv_nsec - steady.tv_nsec) / 1000;
}

// The time to compare times of arrival with, which are those of CLOCK_REALTIME; zero when that clock was just set.
static struct timespec time_of_receipt(udp_socket *self) {
  struct timespec now = {0};
  if (!(self->flags & UDP_WAITED)) return now;
  int64_t offset = udp_clock_offset(&now);
  if (llabs(offset - self->clock_offset) > STEADY_US) now.tv_sec = 0;
  self->clock_offset = offset;
  return now;
}

static int32_t microseconds_since(const struct cmsghdr *control, const struct timespec *now) {
  struct timespec then;
  memcpy(&then, CMSG_DATA(control), sizeof then);
  int64_t waited = (int64_t)(now->tv_sec - then.tv_sec) * 1000000 + (now->tv_nsec - then.tv_nsec) / 1000;
  return waited < 0 || waited > MAX_WAITED_US ? 0 : (int32_t)waited;
}

static void describe(const udp_socket *self, int index, int32_t offset, const struct timespec *now, int32_t *words) {
  struct msghdr *header = (struct msghdr *)&self->rx.messages[index].msg_hdr;
  int32_t length = (int32_t)self->rx.messages[index].msg_len;
  words[D_OFFSET] = offset;
  words[D_LENGTH] = length;
  words[D_SEGMENT] = length;
  words[D_ECN] = 0;
  words_from_socket(&words[D_REMOTE], &self->rx.addresses[index]);
  memset(&words[D_LOCAL], 0, ADDRESS_WORDS * sizeof words[0]);
  int32_t waited = 0;
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
      int segment;
      memcpy(&segment, CMSG_DATA(control), sizeof segment);
      if (segment > 0 && segment < length) words[D_SEGMENT] = segment;
    } else if (control->cmsg_level == IPPROTO_IP) {
      take_ipv4_control(control, words, self->port);
    } else if (control->cmsg_level == IPPROTO_IPV6) {
      take_ipv6_control(control, words, self->port);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      waited = microseconds_since(control, now);
    }
  }
  words[D_ECN] |= waited << WAITED_SHIFT;
}

static void count_message(udp_socket *self, const int32_t *words) {
  int32_t length = words[D_LENGTH];
  int32_t segment = words[D_SEGMENT];
  self->counters[C_RECEIVED_MESSAGES]++;
  self->counters[C_RECEIVED_SEGMENTS] += length == 0 ? 1 : (length + segment - 1) / segment;
  self->counters[C_RECEIVED_BYTES] += length;
}

static napi_value udp_receive(napi_env env, napi_callback_info info) {
  napi_value args[5];
  udp_socket *self;
  bytes_view buffer;
  words_view words;
  int count, used;
  if (!args_get(env, info, 5, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "buffer", &buffer) || !arg_words(env, args[2], "words", &words) ||
      !arg_int(env, args[3], "count", 0, INT32_MAX, &count) || !arg_int(env, args[4], "used", 0, INT32_MAX, &used)) {
    return NULL;
  }
  size_t capacity = words.length / DESCRIPTOR_WORDS;
  if ((size_t)count > capacity || (size_t)used > buffer.length || buffer.length > INT32_MAX) {
    return throw_range(env, "count and used must lie within the burst, whose buffer must be below 2 GiB");
  }
  size_t slots = (buffer.length - (size_t)used) / self->slot_bytes;
  if (slots > capacity - (size_t)count) slots = capacity - (size_t)count;
  if (slots > SLOTS) slots = SLOTS;
  if (slots == 0) return make_int(env, 0);

  prepare(self, buffer.data + used, (int)slots);
  int received = receive_messages(self, (int)slots);
  struct timespec now = time_of_receipt(self);
  int added = 0;
  for (int i = 0; i < received; i++) {
    if (self->rx.messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
      self->counters[C_RECEIVE_TRUNCATED]++;
      continue;
    }
    int32_t *descriptor = words.data + (size_t)(count + added++) * DESCRIPTOR_WORDS;
    describe(self, i, used + (int32_t)(i * self->slot_bytes), &now, descriptor);
    count_message(self, descriptor);
  }
  return make_int(env, added);
}

static double monotonic_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

// An error counts as something: receiving takes it off.
static bool waits(int fd) {
  return recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static napi_value udp_look(napi_env env, napi_callback_info info) {
  napi_value args[2];
  udp_socket *self;
  double most_us;
  if (!args_get(env, info, 2, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_double(env, args[1], "mostUs", 0, MAX_LOOK_US, &most_us)) {
    return NULL;
  }
  double until_us = monotonic_us() + most_us;
  bool found;
  do found = waits(self->fd);
  while (!found && monotonic_us() < until_us);
  return make_int(env, found);
}

NATIVE_FUNCTIONS(udp_receive, {"udpReceive", udp_receive}, {"udpLook", udp_look});
