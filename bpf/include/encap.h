// A packet on its way to a backend: headers around it, or another link-layer address. The packet itself stays as it is.
#ifndef CLOUDBRIDGE_ENCAP_H
#define CLOUDBRIDGE_ENCAP_H

#include "parse.h"
#include "service.h"

#define OUTER_HOPS 64

// What is left of a packet when it is on its way: it may have been parsed into something else.
struct frame {
  __u16 network;  // where the IP header begins
  __u16 bytes;    // from there on
  __u8 is_v6;
  __u8 traffic;  // class, or type of service: DSCP and ECN
  __u8 may_cut;  // IPv4 without DF
};

// The parser has seen that it is at most 22: the verifier is to know.
INLINE void *at_network(struct xdp_md *ctx, const struct packet *packet) {
  return at_data(ctx) + (packet->network & 31);
}

INLINE struct frame frame_of(struct xdp_md *ctx, const struct packet *packet) {
  struct frame frame = {.network = packet->network, .bytes = packet->bytes, .is_v6 = packet->flags & PACKET_V6};
  void *ip = at_network(ctx, packet);
  if (ip + sizeof(struct iphdr) > at_end(ctx)) return frame;
  if (frame.is_v6) {
    frame.traffic = bpf_ntohs(*(__be16 *)ip) >> 4;
  } else {
    frame.traffic = ((struct iphdr *)ip)->tos;
    frame.may_cut = !(((struct iphdr *)ip)->frag_off & bpf_htons(0x4000));
  }
  return frame;
}

INLINE __u16 overhead_of(const struct backend *backend) {
  if (backend->encapsulation == ENCAPSULATION_DIRECT) return 0;
  __u16 ip = backend->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
  return backend->encapsulation == ENCAPSULATION_GUE ? ip + sizeof(struct udphdr) : ip;
}

INLINE __u16 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

INLINE __be16 header_checksum(const struct iphdr *ip) {
  const __u32 *word = (const void *)ip;
  return ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
}

// Makes room (or takes some away) in front of the IP header. VLAN tags stay when the frame goes back where it came from.
// @returns where IP begins now; 0: there is no room
INLINE void *make_room(struct xdp_md *ctx, const struct frame *frame, const struct backend *backend, int bytes, __be16 type) {
  struct ethhdr *ethernet = at_data(ctx);
  if ((void *)ethernet + sizeof *ethernet + 2 * sizeof(struct tag) > at_end(ctx)) return 0;
  __u64 tags = *(__u64 *)((void *)ethernet + 2 * ETH_ALEN);
  __u32 network = backend->interface ? sizeof *ethernet : frame->network;
  __u32 type_at = network - sizeof type;
  if (type_at > 2 * ETH_ALEN + 2 * sizeof(struct tag)) return 0;
  int shift = bytes + (int)network - frame->network;
  if (shift && bpf_xdp_adjust_head(ctx, -shift)) return 0;
  ethernet = at_data(ctx);
  if ((void *)ethernet + sizeof *ethernet + 2 * sizeof(struct tag) > at_end(ctx)) return 0;
  __builtin_memcpy(ethernet->h_dest, backend->next_hop, sizeof ethernet->h_dest);
  __builtin_memcpy(ethernet->h_source, backend->own, sizeof ethernet->h_source);
  if (network > sizeof *ethernet) *(__u64 *)((void *)ethernet + 2 * ETH_ALEN) = tags;
  __be16 *last = (void *)ethernet + type_at;
  if ((void *)(last + 1) > at_end(ctx)) return 0;
  *last = type;
  return last + 1;
}

// What receivers hash: the same for all packets of a flow.
INLINE __be16 spread_port(__u64 hash) { return bpf_htons(0xc000 | (hash >> 20 & 0x3fff)); }

INLINE void write_ipv4(struct iphdr *ip, const struct frame *frame, const struct backend *backend, __u64 hash, __u8 protocol, __u16 bytes) {
  *(__u16 *)ip = bpf_htons(0x4500 | frame->traffic);
  ip->tot_len = bpf_htons(bytes);
  ip->id = 0;
  // RFC 2003 §3.1: DF of the packet is the outer one's; IPv6 is never cut.
  ip->frag_off = frame->may_cut ? 0 : bpf_htons(0x4000);
  ip->ttl = OUTER_HOPS;
  ip->protocol = protocol;
  ip->check = 0;
  ip->saddr = backend->source[0] | ((__u32)(hash >> 16) & backend->spread);
  ip->daddr = backend->address[0];
  ip->check = header_checksum(ip);
}

INLINE void write_ipv6(struct ipv6hdr *ip, const struct frame *frame, const struct backend *backend, __u64 hash, __u8 protocol, __u16 payload) {
  // RFC 6438 §3: the flow label is the flow's.
  *(__u32 *)ip = bpf_htonl(0x60000000 | (__u32)frame->traffic << 20 | (hash >> 32 & 0xfffff));
  ip->payload_len = bpf_htons(payload);
  ip->nexthdr = protocol;
  ip->hop_limit = OUTER_HOPS;
  __builtin_memcpy(&ip->saddr, backend->source, sizeof ip->saddr);
  ip->saddr.in6_u.u6_addr32[3] |= (__u32)(hash >> 16) & backend->spread;
  __builtin_memcpy(&ip->daddr, backend->address, sizeof ip->daddr);
}

INLINE void write_udp(struct udphdr *udp, const struct backend *backend, __u64 hash, __u16 bytes) {
  udp->source = spread_port(hash);
  udp->dest = backend->port;
  udp->len = bpf_htons(bytes);
  // Over IPv6, too: RFC 6935 and RFC 6936 allow it to tunnels, whose packets have checksums of their own.
  udp->check = 0;
}

// @returns whether it is done
INLINE int wrap(struct xdp_md *ctx, const struct frame *frame, const struct backend *backend, __u64 hash) {
  __u16 overhead = overhead_of(backend);
  __be16 type = backend->is_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
  if (overhead == 0) type = frame->is_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
  void *ip = make_room(ctx, frame, backend, overhead, type);
  if (!ip) return 0;
  if (overhead == 0) return 1;
  int is_gue = backend->encapsulation == ENCAPSULATION_GUE;
  __u8 protocol = is_gue ? IPPROTO_UDP : frame->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
  __u16 bytes = frame->bytes + overhead;
  if (backend->is_v6) {
    if (ip + sizeof(struct ipv6hdr) + sizeof(struct udphdr) > at_end(ctx)) return 0;
    write_ipv6(ip, frame, backend, hash, protocol, bytes - sizeof(struct ipv6hdr));
    ip += sizeof(struct ipv6hdr);
  } else {
    if (ip + sizeof(struct iphdr) + sizeof(struct udphdr) > at_end(ctx)) return 0;
    write_ipv4(ip, frame, backend, hash, protocol, bytes);
    ip += sizeof(struct iphdr);
  }
  if (!is_gue) return 1;
  if (ip + sizeof(struct udphdr) > at_end(ctx)) return 0;
  write_udp(ip, backend, hash, frame->bytes + sizeof(struct udphdr));
  return 1;
}

INLINE int leave(const struct backend *backend) {
  return backend->interface ? bpf_redirect(backend->interface, 0) : XDP_TX;
}

#endif
