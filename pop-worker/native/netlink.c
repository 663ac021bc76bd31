// Netlink sockets: one datagram at a time, from the kernel only.
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "napi-util.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12  // Linux 4.20
#endif

// What netlinkReceive returns besides a length; host/netlink/native.ts has the same.
#define RECEIVE_NOTHING 0
#define RECEIVE_OVERRUN (-1)
#define RECEIVE_TRUNCATED (-2)

typedef struct {
  int fd;
  uint32_t port;
  uint32_t drops;  // datagrams for which there was no room, as far as they were told
  double foreign;  // datagrams of other processes
} netlink_socket;

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e1a};

static void netlink_shut(netlink_socket *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  netlink_shut(data);
  free(data);
}

static netlink_socket *arg_netlink(napi_env env, napi_value value) {
  netlink_socket *self = arg_handle(env, value, "socket", &tag);
  if (self == NULL || self->fd >= 0) return self;
  throw_code(env, "ERR_CLOSED", "the socket is closed");
  return NULL;
}

static bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// @returns what could not be set, or NULL; errno says why
static const char *set_all(int fd, int receive_buffer) {
  if (!set(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1)) return "NETLINK_EXT_ACK";
  if (!set(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)) return "NETLINK_CAP_ACK";
  if (!set(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)) return "NETLINK_GET_STRICT_CHK";
  if (receive_buffer > 0 && !set(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer) &&
      !set(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer)) {
    return "SO_RCVBUF";
  }
  return NULL;
}

// @returns the port of the socket, or 0
static uint32_t bind_any(int fd) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  socklen_t length = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, length) != 0) return 0;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return 0;
  return address.nl_pid;
}

static napi_value netlink_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int receive_buffer, protocol;
  if (!args_get(env, info, 2, args) ||
      !arg_int(env, args[0], "receiveBufferBytes", 0, INT32_MAX / 2, &receive_buffer) ||
      !arg_int(env, args[1], "protocol", 0, MAX_LINKS - 1, &protocol)) {
    return NULL;
  }
  netlink_socket *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "netlink");
  self->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  const char *failed = self->fd < 0 ? "netlink" : set_all(self->fd, receive_buffer);
  if (failed == NULL && (self->port = bind_any(self->fd)) == 0) failed = "bind";
  if (failed == NULL) return handle_new(env, self, on_collected, &tag);
  int error = errno;
  netlink_shut(self);
  free(self);
  return throw_errno(env, error, failed);
}

static napi_value netlink_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  netlink_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_netlink(env, args[0])) == NULL) return NULL;
  return make_int(env, self->fd);
}

static napi_value netlink_port(napi_env env, napi_callback_info info) {
  napi_value args[1];
  netlink_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_netlink(env, args[0])) == NULL) return NULL;
  return make_double(env, self->port);
}

static napi_value netlink_join(napi_env env, napi_callback_info info) {
  napi_value args[2];
  netlink_socket *self;
  int group;
  if (!args_get(env, info, 2, args) || (self = arg_netlink(env, args[0])) == NULL ||
      !arg_int(env, args[1], "group", 1, INT32_MAX, &group)) {
    return NULL;
  }
  if (!set(self->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)) {
    return throw_errno(env, errno, "NETLINK_ADD_MEMBERSHIP");
  }
  return NULL;
}

// Leaves out what another of our sockets caused: nlmsg_pid, which a filter reads as if it were in network order.
static napi_value netlink_ignore(napi_env env, napi_callback_info info) {
  napi_value args[2];
  netlink_socket *self;
  double port;
  if (!args_get(env, info, 2, args) || (self = arg_netlink(env, args[0])) == NULL ||
      !arg_double(env, args[1], "port", 1, UINT32_MAX, &port)) {
    return NULL;
  }
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl((uint32_t)port), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return throw_errno(env, errno, "SO_ATTACH_FILTER");
  }
  return NULL;
}

static napi_value netlink_send(napi_env env, napi_callback_info info) {
  napi_value args[2];
  netlink_socket *self;
  bytes_view bytes;
  if (!args_get(env, info, 2, args) || (self = arg_netlink(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "bytes", &bytes)) {
    return NULL;
  }
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent = sendto(self->fd, bytes.data, bytes.length, 0, (struct sockaddr *)&kernel, sizeof kernel);
  return sent < 0 ? throw_errno(env, errno, "netlink send") : NULL;
}

// Whether datagrams were dropped since the last call. ENOBUFS alone does not tell: whoever watches the descriptor takes
// it off the socket (poll.c).
static bool has_dropped(netlink_socket *self) {
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof memory;
  if (getsockopt(self->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return false;
  if (memory[SK_MEMINFO_DROPS] == self->drops) return false;
  self->drops = memory[SK_MEMINFO_DROPS];
  return true;
}

static napi_value netlink_receive(napi_env env, napi_callback_info info) {
  napi_value args[2];
  netlink_socket *self;
  bytes_view bytes;
  if (!args_get(env, info, 2, args) || (self = arg_netlink(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "bytes", &bytes)) {
    return NULL;
  }
  for (;;) {
    struct sockaddr_nl from = {0};
    struct iovec vector = {bytes.data, bytes.length};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &vector, .msg_iovlen = 1};
    ssize_t received = recvmsg(self->fd, &message, 0);
    if (received < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return make_int(env, has_dropped(self) ? RECEIVE_OVERRUN : RECEIVE_NOTHING);
      if (errno == ENOBUFS) {
        has_dropped(self);
        return make_int(env, RECEIVE_OVERRUN);
      }
      return throw_errno(env, errno, "netlink receive");
    }
    if (from.nl_pid != 0) {
      self->foreign++;
      continue;
    }
    return make_int(env, message.msg_flags & MSG_TRUNC ? RECEIVE_TRUNCATED : (int32_t)received);
  }
}

static napi_value netlink_foreign(napi_env env, napi_callback_info info) {
  napi_value args[1];
  netlink_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_netlink(env, args[0])) == NULL) return NULL;
  return make_double(env, self->foreign);
}

static napi_value netlink_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  netlink_socket *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "socket", &tag)) == NULL) return NULL;
  netlink_shut(self);
  return NULL;
}

NATIVE_FUNCTIONS(netlink, {"netlinkOpen", netlink_open}, {"netlinkDescriptor", netlink_descriptor},
                 {"netlinkPort", netlink_port}, {"netlinkJoin", netlink_join}, {"netlinkIgnore", netlink_ignore},
                 {"netlinkSend", netlink_send}, {"netlinkReceive", netlink_receive},
                 {"netlinkForeign", netlink_foreign}, {"netlinkClose", netlink_close});
