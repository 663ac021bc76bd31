// ICMP at services: echo is answered; what is told of a flow goes to its backend; what becomes too big is told to its sender.
#ifndef CLOUDBRIDGE_ICMP_H
#define CLOUDBRIDGE_ICMP_H

#include "encap.h"
#include "parse.h"

// RFC 792, RFC 4443: types that are looked at. The C library's headers of them want more than there is here.
enum icmp_type {
  ICMP_ECHO_REPLY = 0,
  ICMP_UNREACHABLE = 3,
  ICMP_ECHO = 8,
  ICMP_TIME_EXCEEDED = 11,
  ICMP_PARAMETER_PROBLEM = 12,
  ICMPV6_UNREACHABLE = 1,
  ICMPV6_TOO_BIG = 2,
  ICMPV6_PARAMETER_PROBLEM = 4,
  ICMPV6_ECHO = 128,
  ICMPV6_ECHO_REPLY = 129,
};
#define ICMP_FRAGMENTATION_NEEDED 4

// Transport headers begin before this; the verifier wants to know.
#define MOST_HEADERS 512
// Of the packet that an error is about, in multiples of what one call sums up. RFC 1812 §4.3.2.3, RFC 4443 §3.2: the error has
// at most 576, or 1,280 bytes.
#define QUOTED 512

INLINE int is_echo(const struct packet *packet) {
  return packet->icmp_type == (packet->flags & PACKET_V6 ? ICMPV6_ECHO : ICMP_ECHO) && packet->icmp_code == 0 &&
         !(packet->flags & PACKET_FRAGMENT);
}

// Errors about a packet that was sent: RFC 792, RFC 4443 §2.1.
INLINE int is_error(const struct packet *packet) {
  __u8 type = packet->icmp_type;
  if (packet->flags & PACKET_FRAGMENT) return 0;
  if (packet->flags & PACKET_V6) return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
  return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

INLINE void swap_links(struct ethhdr *ethernet) {
  __u8 target[ETH_ALEN];
  __builtin_memcpy(target, ethernet->h_dest, ETH_ALEN);
  __builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
  __builtin_memcpy(ethernet->h_source, target, ETH_ALEN);
}

// The checksum of bytes of which one word has become another (RFC 1624 §3).
INLINE __u16 changed_checksum(__u16 checksum, __u16 before, __u16 after) {
  return ~fold((__u64)(__u16)~checksum + (__u16)~before + after);
}

INLINE void turn_ipv4(struct iphdr *ip) {
  __be32 source = ip->saddr;
  ip->saddr = ip->daddr;
  ip->daddr = source;
  __u16 *hops = (void *)&ip->ttl;
  __u16 before = *hops;
  ip->ttl = OUTER_HOPS;
  ip->check = changed_checksum(ip->check, before, *hops);
}

INLINE void turn_ipv6(struct ipv6hdr *ip) {
  struct in6_addr source = ip->saddr;
  ip->saddr = ip->daddr;
  ip->daddr = source;
  ip->hop_limit = OUTER_HOPS;
}

// @returns whether the packet is its answer now
INLINE int answer_echo(struct xdp_md *ctx, const struct packet *packet) {
  struct ethhdr *ethernet = at_data(ctx);
  if (packet->transport > MOST_HEADERS) return 0;
  void *ip = at_network(ctx, packet);
  struct icmp *icmp = at_data(ctx) + packet->transport;
  if ((void *)(icmp + 1) > at_end(ctx) || ip + sizeof(struct ipv6hdr) > at_end(ctx)) return 0;
  if ((void *)(ethernet + 1) > at_end(ctx)) return 0;
  swap_links(ethernet);
  __u16 before = *(__u16 *)icmp;
  if (packet->flags & PACKET_V6) {
    turn_ipv6(ip);
    icmp->type = ICMPV6_ECHO_REPLY;
  } else {
    turn_ipv4(ip);
    icmp->type = ICMP_ECHO_REPLY;
  }
  icmp->checksum = changed_checksum(icmp->checksum, before, *(__u16 *)icmp);
  return 1;
}

INLINE int read_inner_ports(void *at, void *end, struct packet *packet) {
  __be16 *ports = at;
  if (at + 8 > end) return 0;
  if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) return 0;
  packet->source_port = ports[1];
  packet->target_port = ports[0];
  packet->tcp_flags = TCP_ACK;
  return 1;
}

// Of the packet that an error is about makes the one that went the other way: its flow's. Only answers of services are
// quoted, which go from a service's address to a client.
// @returns whether it was understood, and is of the address that the error came to
INLINE int turn_to_flow(struct xdp_md *ctx, struct packet *packet) {
  if (packet->transport > MOST_HEADERS) return 0;
  void *end = at_end(ctx);
  void *inner = at_data(ctx) + packet->transport + sizeof(struct icmp);
  if (packet->flags & PACKET_V6) {
    struct ipv6hdr *ip = inner;
    if ((void *)(ip + 1) > end || ip->version != 6) return 0;
    const __u32 *source = ip->saddr.in6_u.u6_addr32;
    const __u32 *target = packet->target;
    if (source[0] != target[0] || source[1] != target[1] || source[2] != target[2] || source[3] != target[3]) return 0;
    __builtin_memcpy(packet->source, &ip->daddr, sizeof packet->source);
    packet->protocol = ip->nexthdr;
    return read_inner_ports(ip + 1, end, packet);
  }
  struct iphdr *ip = inner;
  if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return 0;
  if (ip->saddr != packet->target[0] || ip->frag_off & bpf_htons(FRAGMENT_OFFSET)) return 0;
  packet->source[0] = ip->daddr;
  packet->protocol = ip->protocol;
  return read_inner_ports((void *)ip + ip->ihl * 4, end, packet);
}

// Drops all of a packet but what an error quotes, and makes room in front of it for the error's headers. Tags go: an
// error is rare, and goes out by the interface's own link.
// @returns where the headers begin, behind an Ethernet header for the way back; 0: it could not be done
INLINE void *make_error(struct xdp_md *ctx, const struct frame *frame, __u32 headers, __u32 quoted, __be16 type) {
  struct ethhdr ethernet;
  struct ethhdr *before = at_data(ctx);
  if ((void *)(before + 1) > at_end(ctx)) return 0;
  __builtin_memcpy(&ethernet, before, sizeof ethernet);
  if (frame->bytes < quoted) return 0;
  __s64 length = at_end(ctx) - at_data(ctx);
  // Compilers subtract from a pointer what is subtracted from the length; the verifier does not let them.
  asm volatile("" : "+r"(length));
  int rest = (int)length - frame->network - (int)quoted;
  if (rest < 0 || bpf_xdp_adjust_tail(ctx, -rest)) return 0;
  if (bpf_xdp_adjust_head(ctx, (int)frame->network - (int)sizeof ethernet - (int)headers)) return 0;
  struct ethhdr *after = at_data(ctx);
  if ((void *)(after + 1) + headers + quoted > at_end(ctx)) return 0;
  __builtin_memcpy(after, &ethernet, sizeof ethernet);
  swap_links(after);
  after->h_proto = type;
  return after + 1;
}

// RFC 792, RFC 1191 §4: how large packets may be on the way, to who sent a larger one with DF.
INLINE int tell_too_big_v4(struct xdp_md *ctx, const struct frame *frame, __u16 mtu) {
  struct {
    struct iphdr ip;
    struct icmp icmp;
    struct iphdr about;
  } *error = make_error(ctx, frame, sizeof(struct iphdr) + sizeof(struct icmp), QUOTED, bpf_htons(ETH_P_IP));
  if (!error || (void *)&error->about + QUOTED > at_end(ctx)) return 0;
  *(__u16 *)&error->ip = bpf_htons(0x4500);
  error->ip.tot_len = bpf_htons(sizeof error->ip + sizeof error->icmp + QUOTED);
  error->ip.id = 0;
  error->ip.frag_off = 0;
  error->ip.ttl = OUTER_HOPS;
  error->ip.protocol = IPPROTO_ICMP;
  error->ip.check = 0;
  error->ip.saddr = error->about.daddr;
  error->ip.daddr = error->about.saddr;
  error->ip.check = header_checksum(&error->ip);
  error->icmp.type = ICMP_UNREACHABLE;
  error->icmp.code = ICMP_FRAGMENTATION_NEEDED;
  error->icmp.checksum = 0;
  error->icmp.id = 0;
  error->icmp.number = bpf_htons(mtu);
  __s64 sum = bpf_csum_diff(0, 0, (__be32 *)&error->about, QUOTED, 0);
  const __u32 *words = (const void *)&error->icmp;
  error->icmp.checksum = ~fold((__u64)(__u32)sum + words[0] + words[1]);
  return 1;
}

// RFC 4443 §3.2.
INLINE int tell_too_big_v6(struct xdp_md *ctx, const struct frame *frame, __u16 mtu) {
  struct {
    struct ipv6hdr ip;
    struct icmp icmp;
    struct ipv6hdr about;
  } *error = make_error(ctx, frame, sizeof(struct ipv6hdr) + sizeof(struct icmp), 2 * QUOTED, bpf_htons(ETH_P_IPV6));
  if (!error || (void *)&error->about + 2 * QUOTED > at_end(ctx)) return 0;
  *(__u32 *)&error->ip = bpf_htonl(0x60000000);
  __u16 payload = sizeof error->icmp + 2 * QUOTED;
  error->ip.payload_len = bpf_htons(payload);
  error->ip.nexthdr = IPPROTO_ICMPV6;
  error->ip.hop_limit = OUTER_HOPS;
  error->ip.saddr = error->about.daddr;
  error->ip.daddr = error->about.saddr;
  error->icmp.type = ICMPV6_TOO_BIG;
  error->icmp.code = 0;
  error->icmp.checksum = 0;
  error->icmp.id = 0;
  error->icmp.number = bpf_htons(mtu);
  __s64 sum = bpf_csum_diff(0, 0, (__be32 *)&error->about, QUOTED, 0);
  sum = bpf_csum_diff(0, 0, (void *)&error->about + QUOTED, QUOTED, sum);
  const __u32 *words = (const void *)&error->icmp;
  const __u32 *pseudo = (const void *)&error->ip.saddr;
  __u64 all = (__u64)(__u32)sum + words[0] + words[1] + bpf_htons(payload) + bpf_htons(IPPROTO_ICMPV6);
#pragma unroll
  for (int i = 0; i < 8; i++) all += pseudo[i];
  error->icmp.checksum = ~fold(all);
  return 1;
}

#endif
