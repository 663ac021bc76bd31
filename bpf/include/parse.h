// From a frame to a `struct packet`: Ethernet with up to two tags, IPv4, IPv6 with extension headers, TCP, UDP, ICMP.
#ifndef CLOUDBRIDGE_PARSE_H
#define CLOUDBRIDGE_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "packet.h"

enum parsed {
  PARSED,
  PARSED_NOT_IP,     // nothing of ours: the kernel's
  PARSED_MALFORMED,  // lengths that contradict each other, headers that are cut off
};

// ICMP and ICMPv6. What follows is of each type; of an echo, its identifier and number.
struct icmp {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be16 id;
  __be16 number;
};

struct tag {
  __be16 control;
  __be16 next;
};

#define MOST_TAGS 2
// RFC 8200 §4.1 names six in order; more are a way around filters.
#define MOST_EXTENSIONS 6

#define FRAGMENT_OFFSET 0x1fff
#define FRAGMENT_MORE 0x2000

struct extension {
  __u8 next;
  __u8 words;  // of eight bytes, without the first; of an authentication header: of four, without the first two
  __u8 rest[6];
};

struct fragment {
  __u8 next;
  __u8 reserved;
  __be16 offset;  // in units of eight bytes, in the upper 13 bits; the lowest says that more follow
  __be32 id;
};

// @returns the Ethernet type behind all tags, in network order; 0: the frame is cut off
INLINE __be16 parse_ethernet(void *data, void *end, __u16 *network) {
  struct ethhdr *ethernet = data;
  if ((void *)(ethernet + 1) > end) return 0;
  __be16 type = ethernet->h_proto;
  __u16 at = sizeof *ethernet;
#pragma unroll
  for (int i = 0; i < MOST_TAGS; i++) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    struct tag *tag = data + at;
    if ((void *)(tag + 1) > end) return 0;
    type = tag->next;
    at += sizeof *tag;
  }
  *network = at;
  return type;
}

INLINE enum parsed parse_tcp(void *header, void *end, struct packet *packet, __u16 left) {
  struct tcphdr *tcp = header;
  if ((void *)(tcp + 1) > end || left < sizeof *tcp) return PARSED_MALFORMED;
  if (tcp->doff < 5 || tcp->doff * 4 > left) return PARSED_MALFORMED;
  packet->source_port = tcp->source;
  packet->target_port = tcp->dest;
  packet->tcp_flags = ((__u8 *)tcp)[13];
  return PARSED;
}

INLINE enum parsed parse_udp(void *header, void *end, struct packet *packet, __u16 left) {
  struct udphdr *udp = header;
  if ((void *)(udp + 1) > end || left < sizeof *udp) return PARSED_MALFORMED;
  __u16 length = bpf_ntohs(udp->len);
  // A first fragment says the length of the whole.
  if (length < sizeof *udp) return PARSED_MALFORMED;
  if (length > left && !(packet->flags & PACKET_FRAGMENT)) return PARSED_MALFORMED;
  packet->source_port = udp->source;
  packet->target_port = udp->dest;
  return PARSED;
}

INLINE enum parsed parse_icmp(void *header, void *end, struct packet *packet, __u16 left) {
  struct icmp *icmp = header;
  if ((void *)(icmp + 1) > end || left < sizeof *icmp) return PARSED_MALFORMED;
  packet->icmp_type = icmp->type;
  packet->icmp_code = icmp->code;
  packet->source_port = packet->target_port = icmp->id;
  return PARSED;
}

// @param left bytes of the IP packet from the transport header on
INLINE enum parsed parse_transport(void *header, void *end, struct packet *packet, __u16 left) {
  if (packet->flags & PACKET_LATER_FRAGMENT) return PARSED;
  switch (packet->protocol) {
    case IPPROTO_TCP:
      return parse_tcp(header, end, packet, left);
    case IPPROTO_UDP:
      return parse_udp(header, end, packet, left);
    case IPPROTO_ICMP:
      return packet->flags & PACKET_V6 ? PARSED : parse_icmp(header, end, packet, left);
    case IPPROTO_ICMPV6:
      return packet->flags & PACKET_V6 ? parse_icmp(header, end, packet, left) : PARSED;
    default:
      return PARSED;
  }
}

INLINE enum parsed parse_ipv4(void *data, void *end, struct packet *packet) {
  struct iphdr *ip = data + packet->network;
  if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return PARSED_MALFORMED;
  __u16 header = ip->ihl * 4;
  __u16 total = bpf_ntohs(ip->tot_len);
  // Behind the packet there may be padding of a short frame, never less than it says.
  if (total < header || (void *)ip + total > end) return PARSED_MALFORMED;
  packet->source[0] = ip->saddr;
  packet->target[0] = ip->daddr;
  packet->bytes = total;
  packet->protocol = ip->protocol;
  packet->hops = ip->ttl;
  packet->dscp = ip->tos >> 2;
  if (header > sizeof *ip) packet->flags |= PACKET_OPTIONS;
  __u16 cut = bpf_ntohs(ip->frag_off);
  if (cut & (FRAGMENT_OFFSET | FRAGMENT_MORE)) packet->flags |= PACKET_FRAGMENT;
  if (cut & FRAGMENT_OFFSET) packet->flags |= PACKET_LATER_FRAGMENT;
  packet->transport = packet->network + header;
  return parse_transport((void *)ip + header, end, packet, total - header);
}

INLINE int is_extension(__u8 header) {
  return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_FRAGMENT ||
         header == IPPROTO_AH || header == IPPROTO_DSTOPTS;
}

INLINE enum parsed parse_ipv6(void *data, void *end, struct packet *packet) {
  struct ipv6hdr *ip = data + packet->network;
  if ((void *)(ip + 1) > end || ip->version != 6) return PARSED_MALFORMED;
  __u16 payload = bpf_ntohs(ip->payload_len);
  if ((void *)(ip + 1) + payload > end) return PARSED_MALFORMED;
  __builtin_memcpy(packet->source, &ip->saddr, sizeof packet->source);
  __builtin_memcpy(packet->target, &ip->daddr, sizeof packet->target);
  packet->bytes = payload + sizeof *ip;
  packet->hops = ip->hop_limit;
  packet->dscp = ((__u8)(ip->priority << 4) | (ip->flow_lbl[0] >> 4)) >> 2;
  packet->flags |= PACKET_V6;
  __u8 next = ip->nexthdr;
  __u16 at = 0;
#pragma unroll
  for (int i = 0; i < MOST_EXTENSIONS; i++) {
    if (!is_extension(next) || packet->flags & PACKET_LATER_FRAGMENT) break;
    struct extension *extension = (void *)(ip + 1) + at;
    if ((void *)(extension + 1) > end || at + sizeof *extension > payload) return PARSED_MALFORMED;
    packet->flags |= PACKET_OPTIONS;
    __u16 length = (extension->words + 1) * 8;
    if (next == IPPROTO_AH) length = (extension->words + 2) * 4;
    if (next == IPPROTO_FRAGMENT) {
      length = sizeof(struct fragment);
      packet->flags |= PACKET_FRAGMENT;
      if (((struct fragment *)extension)->offset & bpf_htons(0xfff8)) packet->flags |= PACKET_LATER_FRAGMENT;
    }
    next = extension->next;
    at += length;
    if (at > payload) return PARSED_MALFORMED;
  }
  // More than the parser follows hide what they carry.
  if (is_extension(next) && !(packet->flags & PACKET_LATER_FRAGMENT)) return PARSED_MALFORMED;
  packet->protocol = next;
  packet->transport = packet->network + sizeof *ip + at;
  return parse_transport((void *)(ip + 1) + at, end, packet, payload - at);
}

INLINE enum parsed parse(struct xdp_md *ctx, struct packet *packet) {
  void *data = at_data(ctx);
  void *end = at_end(ctx);
  __be16 type = parse_ethernet(data, end, &packet->network);
  if (type == bpf_htons(ETH_P_IP)) return parse_ipv4(data, end, packet);
  if (type == bpf_htons(ETH_P_IPV6)) return parse_ipv6(data, end, packet);
  return type == 0 ? PARSED_MALFORMED : PARSED_NOT_IP;
}

#endif
