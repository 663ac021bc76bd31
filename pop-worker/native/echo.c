// ICMP echo over a raw socket that is connected to one address: whether something answers there (RFC 792, RFC 4443 §4).
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "napi-util.h"

#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif

#define HEADER_BYTES 8
#define MOST_BYTES 128  // an IPv4 header with options, and ours

static int filter(int fd, int family) {
  if (family == AF_INET6) {
    struct icmp6_filter only;
    ICMP6_FILTER_SETBLOCKALL(&only);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only);
    return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof only);
  }
  uint32_t blocked = ~(1u << ICMP_ECHOREPLY);
  return setsockopt(fd, SOL_RAW, ICMP_FILTER, &blocked, sizeof blocked);
}

static napi_value echo_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  words_view remote;
  char device[IFNAMSIZ];
  if (!args_get(env, info, 2, args) || !arg_words(env, args[0], "remote", &remote) ||
      !arg_text(env, args[1], "device", device, sizeof device)) {
    return NULL;
  }
  if (remote.length < ADDRESS_WORDS || (address_family(remote.data) != 4 && address_family(remote.data) != 6)) {
    return throw_range(env, "remote must have %d words, of family 4 or 6", ADDRESS_WORDS);
  }
  int family = address_family(remote.data) == 6 ? AF_INET6 : AF_INET;
  int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
  if (fd < 0) return throw_errno(env, errno, "socket");
  socket_address address;
  socklen_t length = socket_from_words(&address, remote.data, family);
  // Raw sockets have no ports; an IPv6 one refuses them.
  if (family == AF_INET6) address.v6.sin6_port = 0;
  const char *failed = NULL;
  if (filter(fd, family) != 0) failed = "ICMP_FILTER";
  else if (device[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) != 0)
    failed = "SO_BINDTODEVICE";
  else if (connect(fd, &address.any, length) != 0) failed = "connect";
  if (failed == NULL) return make_int(env, fd);
  int error = errno;
  close(fd);
  return throw_errno(env, error, failed);
}

static uint16_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i < length; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static bool is_ipv6(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET6;
}

static napi_value echo_send(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int fd, identifier, sequence;
  if (!args_get(env, info, 3, args) || !arg_int(env, args[0], "descriptor", 0, INT32_MAX, &fd) ||
      !arg_int(env, args[1], "identifier", 0, 0xffff, &identifier) ||
      !arg_int(env, args[2], "sequence", 0, 0xffff, &sequence)) {
    return NULL;
  }
  bool v6 = is_ipv6(fd);
  uint8_t message[HEADER_BYTES] = {v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
                                   0,
                                   0,
                                   0,
                                   (uint8_t)(identifier >> 8),
                                   (uint8_t)identifier,
                                   (uint8_t)(sequence >> 8),
                                   (uint8_t)sequence};
  // That of ICMPv6 covers addresses too: the kernel writes it (RFC 3542 §3.1).
  uint16_t sum = v6 ? 0 : checksum(message, sizeof message);
  message[2] = (uint8_t)(sum >> 8);
  message[3] = (uint8_t)sum;
  if (send(fd, message, sizeof message, 0) < 0) return throw_errno(env, errno, "send");
  return NULL;
}

// @returns the sequence number of the next answer to this identifier, -1 when there is none
static napi_value echo_receive(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd, identifier;
  if (!args_get(env, info, 2, args) || !arg_int(env, args[0], "descriptor", 0, INT32_MAX, &fd) ||
      !arg_int(env, args[1], "identifier", 0, 0xffff, &identifier)) {
    return NULL;
  }
  bool v6 = is_ipv6(fd);
  for (;;) {
    uint8_t packet[MOST_BYTES];
    ssize_t got = recv(fd, packet, sizeof packet, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return make_int(env, -1);
    // What the network said of an earlier one.
    if (got < 0 && (errno == EHOSTUNREACH || errno == ENETUNREACH || errno == ECONNREFUSED)) continue;
    if (got < 0) return throw_errno(env, errno, "recv");
    // IPv4 comes with its header (raw(7)).
    size_t at = v6 || got < 1 ? 0 : (size_t)(packet[0] & 0x0f) * 4;
    if ((size_t)got < at + HEADER_BYTES) continue;
    const uint8_t *message = packet + at;
    if (message[0] != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) continue;
    if ((message[4] << 8 | message[5]) == identifier) return make_int(env, message[6] << 8 | message[7]);
  }
}

static napi_value echo_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int fd;
  if (!args_get(env, info, 1, args) || !arg_int(env, args[0], "descriptor", 0, INT32_MAX, &fd)) return NULL;
  close(fd);
  return NULL;
}

NATIVE_FUNCTIONS(echo, {"echoOpen", echo_open}, {"echoSend", echo_send}, {"echoReceive", echo_receive},
                 {"echoClose", echo_close});
