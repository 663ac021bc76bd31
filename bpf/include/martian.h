// Sources that nobody can have who sends over a link (RFC 6890, RFC 4291).
#ifndef CLOUDBRIDGE_MARTIAN_H
#define CLOUDBRIDGE_MARTIAN_H

#include "packet.h"

INLINE int is_martian_v4(const struct packet *packet) {
  __u32 source = bpf_ntohl(packet->source[0]);
  __u8 first = source >> 24;
  // 0.0.0.0/8 but for DHCP's own, which goes to everybody; loopback; multicast, reserved and broadcast.
  if (first == 0) return source != 0 || packet->target[0] != 0xffffffff;
  return first == 127 || first >= 224 || packet->source[0] == packet->target[0];
}

INLINE int is_martian_v6(const struct packet *packet) {
  const __u32 *source = packet->source;
  if ((source[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000)) return 1;
  // ::/96 and ::ffff:0:0/96: unspecified but in neighbour discovery, loopback, IPv4 in disguise.
  if (source[0] == 0 && source[1] == 0 && (source[2] == 0 || source[2] == bpf_htonl(0xffff)))
    return source[2] != 0 || source[3] != 0 || packet->protocol != 58;
  const __u32 *target = packet->target;
  return source[0] == target[0] && source[1] == target[1] && source[2] == target[2] && source[3] == target[3];
}

INLINE int is_martian(const struct packet *packet) {
  return packet->flags & PACKET_V6 ? is_martian_v6(packet) : is_martian_v4(packet);
}

#endif
