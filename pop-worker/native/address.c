#include "address.h"

#include <string.h>

int address_family(const int32_t *words) { return words[0] & 0xffff; }

uint16_t address_port(const int32_t *words) { return (uint16_t)((uint32_t)words[0] >> 16); }

bool address_is_zero(const int32_t *words) { return (words[2] | words[3] | words[4] | words[5]) == 0; }

void words_from_v4(int32_t *words, struct in_addr address, uint16_t port) {
  words[0] = (int32_t)(4u | (uint32_t)port << 16);
  words[1] = 0;
  memcpy(&words[2], &address, sizeof address);
  words[3] = words[4] = words[5] = 0;
}

void words_from_v6(int32_t *words, const struct in6_addr *address, uint16_t port, uint32_t scope) {
  if (IN6_IS_ADDR_V4MAPPED(address)) {
    struct in_addr v4;
    memcpy(&v4, &address->s6_addr[12], sizeof v4);
    words_from_v4(words, v4, port);
    return;
  }
  words[0] = (int32_t)(6u | (uint32_t)port << 16);
  words[1] = (int32_t)scope;
  memcpy(&words[2], address, sizeof *address);
}

void words_from_socket(int32_t *words, const socket_address *address) {
  if (address->any.sa_family == AF_INET6) {
    words_from_v6(words, &address->v6.sin6_addr, ntohs(address->v6.sin6_port), address->v6.sin6_scope_id);
  } else {
    words_from_v4(words, address->v4.sin_addr, ntohs(address->v4.sin_port));
  }
}

socklen_t socket_from_words(socket_address *address, const int32_t *words, int family) {
  int words_family = address_family(words);
  if (family == AF_INET) {
    if (words_family != 4) return 0;
    memset(&address->v4, 0, sizeof address->v4);
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(address_port(words));
    memcpy(&address->v4.sin_addr, &words[2], sizeof address->v4.sin_addr);
    return sizeof address->v4;
  }
  if (words_family != 4 && words_family != 6) return 0;
  memset(&address->v6, 0, sizeof address->v6);
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = htons(address_port(words));
  if (words_family == 4) {
    memset(&address->v6.sin6_addr.s6_addr[10], 0xff, 2);
    memcpy(&address->v6.sin6_addr.s6_addr[12], &words[2], 4);
  } else {
    address->v6.sin6_scope_id = (uint32_t)words[1];
    memcpy(&address->v6.sin6_addr, &words[2], 16);
  }
  return sizeof address->v6;
}
