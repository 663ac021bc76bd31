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

// Test runs go on with the packet as the run before left it, so that what was put around it is taken off again. What that
// costs is in the floor, too.
INLINE int undo(struct xdp_md *ctx, int verdict) {
  if (verdict != XDP_TX || bpf_xdp_adjust_head(ctx, sizeof(struct iphdr))) return XDP_ABORTED;
  struct ethhdr *ethernet = at_data(ctx);
  if ((void *)(ethernet + 1) > at_end(ctx)) return XDP_ABORTED;
  ethernet->h_proto = bpf_htons(ETH_P_IP);
  return XDP_TX;
}

// The same packet in IPv4, to the one backend that there is, by a hash of addresses and ports: what a balancer without a
// table, lists, checks or counters costs.
INLINE int encap(struct xdp_md *ctx) {
  struct ethhdr *ethernet = at_data(ctx);
  struct iphdr *ip = (void *)(ethernet + 1);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > at_end(ctx) || ethernet->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  __u64 hash = mix(words(ip->saddr, ip->daddr) ^ udp->source ^ (__u32)udp->dest << 16);
  __u32 id = 1 + (hash & 0);
  struct backend *backend = bpf_map_lookup_elem(&backends, &id);
  if (!backend) return XDP_DROP;
  struct frame frame = {.network = sizeof *ethernet, .bytes = bpf_ntohs(ip->tot_len)};
  return wrap(ctx, &frame, backend, hash) ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int floor_encap(struct xdp_md *ctx) { return undo(ctx, encap(ctx)); }

SEC("xdp")
int balance_steady(struct xdp_md *ctx) { return undo(ctx, judge(ctx)); }

// Of a block of clients one, as chance has it. @param bits of an address that chance has
INLINE int choose_client(struct xdp_md *ctx, __u32 first, __u32 bits) {
  struct iphdr *ip = at_data(ctx) + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > at_end(ctx)) return 0;
  ip->saddr = bpf_htonl(first | (bpf_get_prandom_u32() & ((1u << bits) - 1)));
  return 1;
}

SEC("xdp")
int balance_many(struct xdp_md *ctx) { return choose_client(ctx, 0x0a000000, 16) ? undo(ctx, judge(ctx)) : XDP_PASS; }

SEC("xdp")
int balance_random(struct xdp_md *ctx) { return choose_client(ctx, 0x20000000, 29) ? undo(ctx, judge(ctx)) : XDP_PASS; }

// The change alone.
SEC("xdp")
int floor_chosen(struct xdp_md *ctx) { return choose_client(ctx, 0x20000000, 29) ? undo(ctx, encap(ctx)) : XDP_PASS; }
