// One of so many packets is shown to user space, whatever became of it. For all others this is two loads and an addition.
#ifndef CLOUDBRIDGE_SAMPLE_H
#define CLOUDBRIDGE_SAMPLE_H

#include <linux/in.h>

#include "count.h"
#include "packet.h"

#define SAMPLED_PAYLOAD 16

struct sample {
  __u64 time;       // ns, of the kernel's monotonic clock
  __u32 source[4];  // as in `struct packet`, in network order; of what cannot be parsed: zero
  __u32 target[4];
  __u32 bytes;  // of the frame
  __u32 every;  // packets that this one stands for
  __u32 interface;
  __be16 source_port;
  __be16 target_port;
  __u8 protocol;
  __u8 flags;  // enum packet_flags
  __u8 tcp_flags;
  __u8 hops;
  __u8 icmp_type;
  __u8 icmp_code;
  __u8 outcome;  // enum counter
  __u8 payload_bytes;
  __u8 payload[SAMPLED_PAYLOAD];  // behind the transport header
};

// Names that are in no map: user space knows them by this.
struct sample_names {
  struct sample sample;
  enum packet_flags packet_flags;
};
const volatile struct sample_names sample_names;

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} samples SEC(".maps");

// What user space wants, and may change at any time.
struct sampling {
  __u32 every;  // one of so many packets; 0: none
  __u32 rest;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct sampling);
} sampling SEC(".maps");

struct sampled {
  __u32 seen;   // since the last sample
  __u32 owed;   // by samples that found no room: the next one stands for these, too
  __u64 taken;  // samples
  __u64 lost;   // samples that found no room
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sampled);
} sampled SEC(".maps");

// Where the payload begins, from the transport header on.
INLINE __u32 transport_bytes(const __u8 *header, const void *end, const struct packet *packet) {
  switch (packet->protocol) {
    case IPPROTO_TCP:
      return (const void *)(header + 13) > end ? 0 : (header[12] >> 4) * 4;
    case IPPROTO_UDP:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 8;
    default:
      return 0;
  }
}

// The packet may have got headers in front meanwhile: what it was is at its end. @param bytes that it had
INLINE void sample_payload(struct xdp_md *ctx, const struct packet *packet, __u32 bytes, struct sample *sample) {
  void *end = at_end(ctx);
  __u32 grown = (__u32)(end - at_data(ctx)) - bytes;
  if (packet->transport == 0 || packet->transport > 512 || grown > 256) return;
  __u8 *at = at_data(ctx) + grown + packet->transport;
  if (!(packet->flags & PACKET_LATER_FRAGMENT)) at += transport_bytes(at, end, packet) & 63;
#pragma unroll
  for (int i = 0; i < SAMPLED_PAYLOAD; i++) {
    if ((void *)(at + i + 1) > end) break;
    sample->payload[i] = at[i];
    sample->payload_bytes = i + 1;
  }
}

// Not inline: few packets come here, and what they need is no burden to the others.
static __noinline int take_sample(struct xdp_md *ctx, const struct packet *packet, enum counter outcome, __u32 bytes,
                                  struct sampled *of) {
  __u32 stands_for = of->seen + of->owed;
  of->seen = 0;
  struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
  if (!sample) {
    of->owed = stands_for;
    of->lost++;
    return 0;
  }
  of->owed = 0;
  of->taken++;
  __builtin_memset(sample, 0, sizeof *sample);
  sample->time = bpf_ktime_get_ns();
  __builtin_memcpy(sample->source, packet->source, sizeof sample->source);
  __builtin_memcpy(sample->target, packet->target, sizeof sample->target);
  sample->bytes = bytes;
  sample->every = stands_for;
  sample->interface = ctx->ingress_ifindex;
  sample->source_port = packet->source_port;
  sample->target_port = packet->target_port;
  sample->protocol = packet->protocol;
  sample->flags = packet->flags;
  sample->tcp_flags = packet->tcp_flags;
  sample->hops = packet->hops;
  sample->icmp_type = packet->icmp_type;
  sample->icmp_code = packet->icmp_code;
  sample->outcome = outcome;
  // An answer has none of the packet's bytes for sure.
  if (outcome != ANSWERED_ECHO && outcome != ANSWERED_TOO_BIG) sample_payload(ctx, packet, bytes, sample);
  // Who reads comes by itself, ten times a second and more.
  bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
  return 1;
}

INLINE void sample(struct xdp_md *ctx, const struct packet *packet, enum counter outcome, __u32 bytes) {
  __u32 zero = 0;
  struct sampling *wanted = bpf_map_lookup_elem(&sampling, &zero);
  if (!wanted || wanted->every == 0) return;
  struct sampled *of = bpf_map_lookup_elem(&sampled, &zero);
  if (!of || ++of->seen < wanted->every) return;
  take_sample(ctx, packet, outcome, bytes, of);
}

#endif
