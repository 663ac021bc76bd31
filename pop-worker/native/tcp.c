// TCP sockets with what Node cannot set: authentication of segments, hop limits, an interface. Descriptors are handed to
// Node's net.Socket, which carries the bytes and closes them.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/tcp.h>

#include "address.h"
#include "napi-util.h"

#ifndef TCP_NODELAY
#define TCP_NODELAY 1
#endif

#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY 38  // Linux 6.7
#define TCP_AO_MAXKEYLEN 80
struct tcp_ao_add {
  struct __kernel_sockaddr_storage addr;
  char alg_name[64];
  __s32 ifindex;
  __u32 set_current : 1, set_rnext : 1, reserved : 30;
  __u16 reserved2;
  __u8 prefix;
  __u8 sndid;
  __u8 rcvid;
  __u8 maclen;
  __u8 keyflags;
  __u8 keylen;
  __u8 key[TCP_AO_MAXKEYLEN];
} __attribute__((aligned(8)));
#endif

#define BACKLOG 64
#define ALGORITHM_BYTES 64

static bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool arg_descriptor(napi_env env, napi_value value, int *fd) {
  return arg_int(env, value, "descriptor", 0, INT32_MAX, fd);
}

static bool arg_address(napi_env env, napi_value value, const char *name, words_view *out) {
  if (!arg_words(env, value, name, out)) return false;
  if (out->length >= ADDRESS_WORDS && (address_family(out->data) == 4 || address_family(out->data) == 6)) return true;
  throw_range(env, "%s must have %d words, of family 4 or 6", name, ADDRESS_WORDS);
  return false;
}

static int family_of(const words_view *words) { return address_family(words->data) == 6 ? AF_INET6 : AF_INET; }

// @returns what could not be done, or NULL; errno says why
static const char *prepare(int fd, int family, const words_view *local, const char *device, bool listens) {
  socket_address address;
  socklen_t length = socket_from_words(&address, local->data, family);
  if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return "SO_REUSEADDR";
  if (family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return "IPV6_V6ONLY";
  if (!set(fd, IPPROTO_TCP, TCP_NODELAY, 1)) return "TCP_NODELAY";
  // Network control (RFC 4594 §3.2), so that a full link does not end the session.
  set(fd, IPPROTO_IP, IP_TOS, IPTOS_CLASS_CS6);
  if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_TCLASS, IPTOS_CLASS_CS6);
  if (device[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) != 0) {
    return "SO_BINDTODEVICE";
  }
  // One that is bound to an interface may stand beside one that is not. That one says so after it is bound: then it has the
  // address to itself, whatever a stranger's socket allows.
  bool bound_to_device = device[0] != '\0';
  if (listens && bound_to_device && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return "SO_REUSEPORT";
  bool binds = listens || !address_is_zero(local->data) || address_port(local->data) != 0;
  if (binds && bind(fd, &address.any, length) != 0) return "bind";
  if (listens && !bound_to_device && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return "SO_REUSEPORT";
  return NULL;
}

static napi_value tcp_open(napi_env env, napi_callback_info info) {
  napi_value args[3];
  words_view local;
  char device[IFNAMSIZ];
  bool listens;
  if (!args_get(env, info, 3, args) || !arg_address(env, args[0], "local", &local) ||
      !arg_text(env, args[1], "device", device, sizeof device) || !arg_bool(env, args[2], "listens", &listens)) {
    return NULL;
  }
  int family = family_of(&local);
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket");
  const char *failed = prepare(fd, family, &local, device, listens);
  if (failed == NULL) return make_int(env, fd);
  int error = errno;
  close(fd);
  return throw_errno(env, error, failed);
}

static napi_value tcp_listen(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!args_get(env, info, 1, args) || !arg_descriptor(env, args[0], &fd)) return NULL;
  if (listen(fd, BACKLOG) != 0) return throw_errno(env, errno, "listen");
  return NULL;
}

static napi_value tcp_accept(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd;
  words_view remote;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_words(env, args[1], "remote", &remote)) {
    return NULL;
  }
  if (remote.length < ADDRESS_WORDS) return throw_range(env, "remote must have %d words", ADDRESS_WORDS);
  socket_address address = {0};
  socklen_t length = sizeof address;
  int accepted = accept4(fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted >= 0) {
    words_from_socket(remote.data, &address);
    return make_int(env, accepted);
  }
  // accept(2): errors of the network that has a connection are passed on here, and are no errors of the listener.
  if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR || errno == EPROTO || errno == EHOSTUNREACH ||
      errno == ENETUNREACH || errno == ENETDOWN) {
    return make_int(env, -1);
  }
  return throw_errno(env, errno, "accept");
}

static napi_value tcp_connect(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd;
  words_view remote;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_address(env, args[1], "remote", &remote)) {
    return NULL;
  }
  socket_address address;
  socklen_t length = socket_from_words(&address, remote.data, family_of(&remote));
  if (connect(fd, &address.any, length) != 0 && errno != EINPROGRESS) return throw_errno(env, errno, "connect");
  return NULL;
}

static napi_value tcp_connected(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!args_get(env, info, 1, args) || !arg_descriptor(env, args[0], &fd)) return NULL;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return throw_errno(env, error, "connect");
  return NULL;
}

static napi_value tcp_local(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd;
  words_view local;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_words(env, args[1], "local", &local)) {
    return NULL;
  }
  if (local.length < ADDRESS_WORDS) return throw_range(env, "local must have %d words", ADDRESS_WORDS);
  socket_address address = {0};
  socklen_t length = sizeof address;
  if (getsockname(fd, &address.any, &length) != 0) return throw_errno(env, errno, "getsockname");
  words_from_socket(local.data, &address);
  return NULL;
}

static napi_value tcp_hops(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int fd, sent, least;
  if (!args_get(env, info, 3, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_int(env, args[1], "sent", 1, 255, &sent) || !arg_int(env, args[2], "least", 0, 255, &least)) {
    return NULL;
  }
  int family = 0;
  socklen_t length = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return throw_errno(env, errno, "SO_DOMAIN");
  if (family == AF_INET6) {
    if (!set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, sent)) return throw_errno(env, errno, "IPV6_UNICAST_HOPS");
    if (!set(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, least)) return throw_errno(env, errno, "IPV6_MINHOPCOUNT");
    return NULL;
  }
  if (!set(fd, IPPROTO_IP, IP_TTL, sent)) return throw_errno(env, errno, "IP_TTL");
  if (!set(fd, IPPROTO_IP, IP_MINTTL, least)) return throw_errno(env, errno, "IP_MINTTL");
  return NULL;
}

static napi_value tcp_mark(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd, mark;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_int(env, args[1], "mark", INT32_MIN, INT32_MAX, &mark)) {
    return NULL;
  }
  if (!set(fd, SOL_SOCKET, SO_MARK, mark)) return throw_errno(env, errno, "SO_MARK");
  return NULL;
}

static napi_value tcp_md5(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int fd;
  words_view remote;
  bytes_view key;
  if (!args_get(env, info, 3, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_address(env, args[1], "remote", &remote) || !arg_bytes(env, args[2], "key", &key)) {
    return NULL;
  }
  struct tcp_md5sig option = {0};
  if (key.length > sizeof option.tcpm_key) {
    return throw_range(env, "key must have at most %zu bytes", sizeof option.tcpm_key);
  }
  socket_address address;
  socklen_t length = socket_from_words(&address, remote.data, family_of(&remote));
  // The kernel takes keys of addresses, whatever their port.
  address.v4.sin_port = 0;
  memcpy(&option.tcpm_addr, &address, length);
  option.tcpm_keylen = (uint16_t)key.length;
  memcpy(option.tcpm_key, key.data, key.length);
  int failed = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &option, sizeof option) == 0 ? 0 : errno;
  explicit_bzero(&option, sizeof option);
  if (failed != 0) return throw_errno(env, failed, "TCP_MD5SIG");
  return NULL;
}

static napi_value tcp_ao(napi_env env, napi_callback_info info) {
  napi_value args[6];
  int fd, send_id, receive_id;
  words_view remote;
  bytes_view key;
  char algorithm[ALGORITHM_BYTES];
  if (!args_get(env, info, 6, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_address(env, args[1], "remote", &remote) || !arg_int(env, args[2], "sendId", 0, 255, &send_id) ||
      !arg_int(env, args[3], "receiveId", 0, 255, &receive_id) ||
      !arg_text(env, args[4], "algorithm", algorithm, sizeof algorithm) || !arg_bytes(env, args[5], "key", &key)) {
    return NULL;
  }
  struct tcp_ao_add option;
  memset(&option, 0, sizeof option);
  if (key.length == 0 || key.length > TCP_AO_MAXKEYLEN) {
    return throw_range(env, "key must have from 1 to %d bytes", TCP_AO_MAXKEYLEN);
  }
  socket_address address;
  socklen_t length = socket_from_words(&address, remote.data, family_of(&remote));
  address.v4.sin_port = 0;
  memcpy(&option.addr, &address, length);
  snprintf(option.alg_name, sizeof option.alg_name, "%s", algorithm);
  option.prefix = family_of(&remote) == AF_INET6 ? 128 : 32;
  option.sndid = (uint8_t)send_id;
  option.rcvid = (uint8_t)receive_id;
  option.keylen = (uint8_t)key.length;
  memcpy(option.key, key.data, key.length);
  int failed = setsockopt(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, &option, sizeof option) == 0 ? 0 : errno;
  explicit_bzero(&option, sizeof option);
  if (failed != 0) return throw_errno(env, failed, "TCP_AO_ADD_KEY");
  return NULL;
}

static napi_value tcp_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!args_get(env, info, 1, args) || !arg_descriptor(env, args[0], &fd)) return NULL;
  close(fd);
  return NULL;
}

NATIVE_FUNCTIONS(tcp, {"tcpOpen", tcp_open}, {"tcpListen", tcp_listen}, {"tcpAccept", tcp_accept},
                 {"tcpConnect", tcp_connect}, {"tcpConnected", tcp_connected}, {"tcpLocal", tcp_local},
                 {"tcpHops", tcp_hops}, {"tcpMark", tcp_mark}, {"tcpMd5", tcp_md5}, {"tcpAo", tcp_ao}, {"tcpClose", tcp_close});
