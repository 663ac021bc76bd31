// Socket addresses as the six words of protocol/address.ts: family and port << 16, scope, four words of address as they
// lie in memory. IPv4-mapped IPv6 addresses are plain IPv4 in words.
#ifndef CLOUDBRIDGE_ADDRESS_H
#define CLOUDBRIDGE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_WORDS 6

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} socket_address;

int address_family(const int32_t *words);  // 4, 6, or whatever else is written there
uint16_t address_port(const int32_t *words);
bool address_is_zero(const int32_t *words);  // the address itself, whatever family and port

void words_from_v4(int32_t *words, struct in_addr address, uint16_t port);
void words_from_v6(int32_t *words, const struct in6_addr *address, uint16_t port, uint32_t scope);
void words_from_socket(int32_t *words, const socket_address *address);

// Fills the address for a socket of this family (AF_INET, AF_INET6); IPv4 for an IPv6 socket is mapped.
// @returns its length, 0 when the words are no address for such a socket
socklen_t socket_from_words(socket_address *address, const int32_t *words, int family);

#endif
