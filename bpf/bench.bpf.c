// What `cloudbridge bench xdp` measures: the front door under sources that change with each packet, and the floor below it.
#include "front.bpf.c"

SEC("xdp")
int floor_drop(struct xdp_md *ctx) { return (void)ctx, XDP_DROP; }

// The same change without anything behind it: what the change itself costs.
INLINE int randomize(struct xdp_md *ctx) {
  void *data = at_data(ctx);
  struct iphdr *ip = data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > at_end(ctx)) return 0;
  ip->saddr = bpf_get_prandom_u32() | bpf_htonl(0x01000000);
  return 1;
}

SEC("xdp")
int floor_random(struct xdp_md *ctx) { return randomize(ctx) ? XDP_DROP : XDP_PASS; }

SEC("xdp")
int front_random(struct xdp_md *ctx) { return randomize(ctx) ? judge(ctx) : XDP_PASS; }
