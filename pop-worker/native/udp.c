// Opening, describing and closing a UDP socket. udp-receive.c and udp-send.c move the packets.
#include "udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SLOT_BYTES 65536

// Of UDP_NETWORK_CONTROL: RFC 5082 (GTSM), DSCP CS6 (RFC 4594 §3.1), and before other packets in the queue of a device
// (TC_PRIO_CONTROL).
#define GTSM_HOP_LIMIT 255
#define CLASS_SELECTOR_6 0xc0
#define CONTROL_PRIORITY 7

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e04};

typedef struct {
  socket_address address;
  socklen_t address_length;
  int family;
  int flags;
  int receive_buffer;
  int send_buffer;
  int mark;
  int slot_bytes;
  char device[IFNAMSIZ];
} udp_options;

static void udp_shut(udp_socket *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  udp_shut(data);
  free(data);
}

udp_socket *arg_udp(napi_env env, napi_value value) {
  udp_socket *self = arg_handle(env, value, "socket", &tag);
  if (self == NULL || self->fd >= 0) return self;
  throw_code(env, "ERR_CLOSED", "the socket is closed");
  return NULL;
}

static bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// A larger buffer than asked for is never an error, a smaller one is reported by udpBufferBytes.
static void set_buffer(int fd, int force, int option, int bytes) {
  if (bytes > 0 && !set(fd, SOL_SOCKET, force, bytes)) set(fd, SOL_SOCKET, option, bytes);
}

// @returns what could not be set, or NULL; errno says why
static const char *set_general(int fd, const udp_options *options) {
  int flags = options->flags;
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
  if ((flags & UDP_REUSE_PORT) && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return "SO_REUSEPORT";
  if ((flags & UDP_GRO_ON) && !set(fd, IPPROTO_UDP, UDP_GRO, 1)) return "UDP_GRO";
  if ((flags & UDP_WAITED) && !set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)) return "SO_TIMESTAMPNS";
  if ((flags & UDP_CHECKSUM_OFF) && !set(fd, SOL_SOCKET, SO_NO_CHECK, 1)) return "SO_NO_CHECK";
  // Less than asked for without CAP_NET_ADMIN, which is no error.
  if (flags & UDP_NETWORK_CONTROL) set(fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY);
  if (options->mark != 0 && !set(fd, SOL_SOCKET, SO_MARK, options->mark)) return "SO_MARK";
  socklen_t length = (socklen_t)strlen(options->device);
  if (length > 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options->device, length + 1) != 0) {
    return "SO_BINDTODEVICE";
  }
  return NULL;
}

// IPv4 options hold for an IPv6 socket too: they govern its IPv4-mapped traffic.
static const char *set_ipv4(int fd, const udp_options *options) {
  int flags = options->flags;
  bool own = options->family == AF_INET;
  if ((flags & UDP_ECN) && !set(fd, IPPROTO_IP, IP_RECVTOS, 1)) return "IP_RECVTOS";
  // An IPv6 socket tells the local address of IPv4 traffic by IPV6_PKTINFO.
  if ((flags & UDP_PKTINFO) && own && !set(fd, IPPROTO_IP, IP_PKTINFO, 1)) return "IP_PKTINFO";
  if ((flags & UDP_DONT_FRAGMENT) && !set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)) return "IP_MTU_DISCOVER";
  if ((flags & UDP_HOP_LIMIT) && !set(fd, IPPROTO_IP, IP_RECVTTL, 1)) return "IP_RECVTTL";
  if (!(flags & UDP_NETWORK_CONTROL)) return NULL;
  if (!set(fd, IPPROTO_IP, IP_TTL, GTSM_HOP_LIMIT)) return "IP_TTL";
  return set(fd, IPPROTO_IP, IP_TOS, CLASS_SELECTOR_6) ? NULL : "IP_TOS";
}

static const char *set_ipv6(int fd, const udp_options *options) {
  int flags = options->flags;
  if (options->family != AF_INET6) return NULL;
  if (!set(fd, IPPROTO_IPV6, IPV6_V6ONLY, (flags & UDP_V6ONLY) != 0)) return "IPV6_V6ONLY";
  if ((flags & UDP_ECN) && !set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)) return "IPV6_RECVTCLASS";
  if ((flags & UDP_PKTINFO) && !set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return "IPV6_RECVPKTINFO";
  if ((flags & UDP_HOP_LIMIT) && !set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)) return "IPV6_RECVHOPLIMIT";
  if (flags & UDP_NETWORK_CONTROL) {
    if (!set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, GTSM_HOP_LIMIT)) return "IPV6_UNICAST_HOPS";
    if (!set(fd, IPPROTO_IPV6, IPV6_TCLASS, CLASS_SELECTOR_6)) return "IPV6_TCLASS";
  }
  if (!(flags & UDP_DONT_FRAGMENT)) return NULL;
  if (!set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)) return "IPV6_MTU_DISCOVER";
  return set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1) ? NULL : "IPV6_DONTFRAG";
}

static const char *set_all(int fd, const udp_options *options) {
  const char *failed = set_general(fd, options);
  if (failed == NULL) failed = set_ipv4(fd, options);
  if (failed == NULL) failed = set_ipv6(fd, options);
  return failed;
}

static bool read_options(napi_env env, napi_callback_info info, udp_options *out) {
  napi_value args[7];
  words_view address;
  if (!args_get(env, info, 7, args) || !arg_words(env, args[0], "address", &address) ||
      !arg_int(env, args[1], "flags", 0, UDP_ALL_FLAGS, &out->flags) ||
      !arg_int(env, args[2], "receiveBufferBytes", 0, INT32_MAX / 2, &out->receive_buffer) ||
      !arg_int(env, args[3], "sendBufferBytes", 0, INT32_MAX / 2, &out->send_buffer) ||
      !arg_int(env, args[4], "mark", INT32_MIN, INT32_MAX, &out->mark) ||
      !arg_text(env, args[5], "device", out->device, sizeof out->device) ||
      !arg_int(env, args[6], "slotBytes", 1, MAX_SLOT_BYTES, &out->slot_bytes)) {
    return false;
  }
  if (address.length < ADDRESS_WORDS) {
    throw_range(env, "address must have %d words", ADDRESS_WORDS);
    return false;
  }
  out->family = address_family(address.data) == 6 ? AF_INET6 : AF_INET;
  out->address_length = socket_from_words(&out->address, address.data, out->family);
  if (out->address_length != 0) return true;
  throw_range(env, "address must be of family 4 or 6");
  return false;
}

static uint16_t bound_port(int fd) {
  socket_address address = {0};
  socklen_t length = sizeof address;
  getsockname(fd, &address.any, &length);
  // sin_port and sin6_port lie at the same place.
  return ntohs(address.v4.sin_port);
}

// @returns the descriptor, or -1 after throwing
static int open_bound(napi_env env, const udp_options *options) {
  int fd = socket(options->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    throw_errno(env, errno, "socket");
    return -1;
  }
  const char *failed = set_all(fd, options);
  if (failed == NULL && bind(fd, &options->address.any, options->address_length) != 0) failed = "bind";
  if (failed == NULL) return fd;
  int error = errno;
  close(fd);
  throw_errno(env, error, failed);
  return -1;
}

static napi_value udp_open(napi_env env, napi_callback_info info) {
  udp_options options;
  if (!read_options(env, info, &options)) return NULL;
  int fd = open_bound(env, &options);
  if (fd < 0) return NULL;
  udp_socket *self = calloc(1, sizeof *self);
  if (self == NULL) {
    close(fd);
    return throw_errno(env, ENOMEM, "socket");
  }
  self->fd = fd;
  self->family = options.family;
  self->flags = options.flags;
  self->slot_bytes = (uint32_t)options.slot_bytes;
  self->port = bound_port(fd);
  struct timespec now;
  self->clock_offset = udp_clock_offset(&now);
  return handle_new(env, self, on_collected, &tag);
}

static napi_value udp_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  udp_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_udp(env, args[0])) == NULL) return NULL;
  return make_int(env, self->fd);
}

static napi_value udp_local_address(napi_env env, napi_callback_info info) {
  napi_value args[3];
  udp_socket *self;
  words_view words;
  int at;
  if (!args_get(env, info, 3, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_words(env, args[1], "words", &words) || !arg_int(env, args[2], "at", 0, INT32_MAX, &at)) {
    return NULL;
  }
  if (words.length < (size_t)at + ADDRESS_WORDS) return throw_range(env, "words must have %d words from at", ADDRESS_WORDS);
  socket_address address = {0};
  socklen_t length = sizeof address;
  if (getsockname(self->fd, &address.any, &length) != 0) return throw_errno(env, errno, "getsockname");
  words_from_socket(words.data + at, &address);
  return NULL;
}

static napi_value udp_buffer_bytes(napi_env env, napi_callback_info info) {
  napi_value args[2];
  udp_socket *self;
  bool of_sending;
  if (!args_get(env, info, 2, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_bool(env, args[1], "ofSending", &of_sending)) {
    return NULL;
  }
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt(self->fd, SOL_SOCKET, of_sending ? SO_SNDBUF : SO_RCVBUF, &bytes, &length) != 0) {
    return throw_errno(env, errno, "getsockopt");
  }
  // socket(7): the kernel doubles what was asked for, to cover its own overhead.
  return make_int(env, bytes / 2);
}

static napi_value udp_counters(napi_env env, napi_callback_info info) {
  napi_value args[2];
  udp_socket *self;
  doubles_view into;
  if (!args_get(env, info, 2, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_doubles(env, args[1], "into", &into)) {
    return NULL;
  }
  if (into.length < UDP_COUNTERS) return throw_range(env, "into must have %d elements", UDP_COUNTERS);
  memcpy(into.data, self->counters, sizeof self->counters);
  return NULL;
}

// (socket, program): classic BPF, 8 bytes an instruction; none detaches
static napi_value set_program(napi_env env, napi_callback_info info, int attach, int detach, const char *name) {
  napi_value args[2];
  udp_socket *self;
  bytes_view program;
  if (!args_get(env, info, 2, args) || (self = arg_udp(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "program", &program)) {
    return NULL;
  }
  size_t instructions = program.length / sizeof(struct sock_filter);
  if (program.length % sizeof(struct sock_filter) != 0 || instructions > BPF_MAXINSNS) {
    return throw_range(env, "program must have up to %d instructions of 8 bytes", BPF_MAXINSNS);
  }
  if (instructions == 0) {
    int none = 0;
    // ENOENT: there was none.
    if (setsockopt(self->fd, SOL_SOCKET, detach, &none, sizeof none) == 0 || errno == ENOENT) return NULL;
    return throw_errno(env, errno, name);
  }
  struct sock_filter code[BPF_MAXINSNS];
  memcpy(code, program.data, program.length);
  struct sock_fprog all = {.len = (unsigned short)instructions, .filter = code};
  if (setsockopt(self->fd, SOL_SOCKET, attach, &all, sizeof all) == 0) return NULL;
  return throw_errno(env, errno, name);
}

// What the socket lets through.
static napi_value udp_filter(napi_env env, napi_callback_info info) {
  return set_program(env, info, SO_ATTACH_FILTER, SO_DETACH_FILTER, "SO_ATTACH_FILTER");
}

// Which of the sockets that share its port gets a datagram: the one of this index, in the order in which they were bound.
static napi_value udp_steer(napi_env env, napi_callback_info info) {
  return set_program(env, info, SO_ATTACH_REUSEPORT_CBPF, SO_DETACH_REUSEPORT_BPF, "SO_ATTACH_REUSEPORT_CBPF");
}

static napi_value udp_drops(napi_env env, napi_callback_info info) {
  napi_value args[1];
  udp_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_udp(env, args[0])) == NULL) return NULL;
  uint32_t figures[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof figures;
  if (getsockopt(self->fd, SOL_SOCKET, SO_MEMINFO, figures, &length) != 0) return throw_errno(env, errno, "SO_MEMINFO");
  return make_double(env, figures[SK_MEMINFO_DROPS]);
}

static napi_value udp_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  udp_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "socket", &tag)) == NULL) return NULL;
  udp_shut(self);
  return NULL;
}

NATIVE_FUNCTIONS(udp, {"udpOpen", udp_open}, {"udpDescriptor", udp_descriptor},
                 {"udpLocalAddress", udp_local_address}, {"udpBufferBytes", udp_buffer_bytes},
                 {"udpCounters", udp_counters}, {"udpFilter", udp_filter}, {"udpSteer", udp_steer},
                 {"udpDrops", udp_drops}, {"udpClose", udp_close});
