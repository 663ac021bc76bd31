// The other end of the balancer, at a backend's interface: takes off what it put around packets, and gives them to the kernel.
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "include/packet.h"

char _license[] SEC("license") = "GPL";

struct decap {
  __be16 port;  // of GUE
};
const volatile struct decap decap = {.port = bpf_htons(6080)};

// Whoever is found at the end of the outer headers: IPv4 or IPv6.
INLINE int strip(struct xdp_md *ctx, int bytes) {
  struct ethhdr *before = at_data(ctx);
  if ((void *)(before + 1) > at_end(ctx)) return XDP_DROP;
  struct ethhdr link;
  __builtin_memcpy(&link, before, sizeof link);
  if (bpf_xdp_adjust_head(ctx, bytes)) return XDP_DROP;
  struct ethhdr *after = at_data(ctx);
  __u8 *first = (void *)(after + 1);
  if ((void *)(first + 1) > at_end(ctx)) return XDP_DROP;
  __builtin_memcpy(after, &link, sizeof link);
  switch (*first >> 4) {
    case 4:
      after->h_proto = bpf_htons(ETH_P_IP);
      return XDP_PASS;
    case 6:
      after->h_proto = bpf_htons(ETH_P_IPV6);
      return XDP_PASS;
    default:
      return XDP_DROP;
  }
}

INLINE int is_gue(struct xdp_md *ctx, struct udphdr *udp) {
  return (void *)(udp + 1) <= at_end(ctx) && udp->dest == decap.port;
}

INLINE int strip_behind(struct xdp_md *ctx, void *transport, __u8 protocol, int bytes) {
  if (protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6) return strip(ctx, bytes);
  if (protocol == IPPROTO_UDP && is_gue(ctx, transport)) return strip(ctx, bytes + sizeof(struct udphdr));
  return XDP_PASS;
}

SEC("xdp")
int decapsulate(struct xdp_md *ctx) {
  struct ethhdr *ethernet = at_data(ctx);
  void *network = ethernet + 1;
  if (network > at_end(ctx)) return XDP_PASS;
  if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr *ip = network;
    if ((void *)(ip + 1) > at_end(ctx) || ip->ihl != 5 || ip->frag_off & bpf_htons(0x3fff)) return XDP_PASS;
    return strip_behind(ctx, ip + 1, ip->protocol, sizeof *ip);
  }
  if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr *ip = network;
    if ((void *)(ip + 1) > at_end(ctx)) return XDP_PASS;
    return strip_behind(ctx, ip + 1, ip->nexthdr, sizeof *ip);
  }
  return XDP_PASS;
}
