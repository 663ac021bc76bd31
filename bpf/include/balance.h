// The balancer: a packet to a service goes to one of its backends.
#ifndef CLOUDBRIDGE_BALANCE_H
#define CLOUDBRIDGE_BALANCE_H

#include "connection.h"
#include "count.h"
#include "encap.h"
#include "icmp.h"
#include "quic.h"
#include "service.h"

// As `struct names`.
struct balance_names {
  enum service_flag service_flag;
  enum backend_state backend_state;
  enum encapsulation encapsulation;
  enum connection_state connection_state;
  enum quic_mode quic_mode;
};
const volatile struct balance_names balance_names;

struct balanced {
  enum counter counter;
  int verdict;
};

INLINE int as(struct balanced *balanced, enum counter counter, int verdict) {
  balanced->counter = counter;
  balanced->verdict = verdict;
  return 1;
}

// What is too big for the way to its backend: its sender is told, if it asked for that.
INLINE int too_big(struct xdp_md *ctx, const struct frame *frame, __u16 mtu, struct balanced *balanced) {
  int is_told = 0;
  if (frame->is_v6) is_told = tell_too_big_v6(ctx, frame, mtu);
  else if (!frame->may_cut) is_told = tell_too_big_v4(ctx, frame, mtu);
  return is_told ? as(balanced, ANSWERED_TOO_BIG, XDP_TX) : as(balanced, DROP_TOO_BIG, XDP_DROP);
}

// @param is_error which is about a packet, and never answered by another one
INLINE int send(struct xdp_md *ctx, const struct frame *frame, __u32 service, __u32 id, __u64 hash, int is_error, struct balanced *balanced) {
  struct backend *backend = find_backend(id);
  if (!backend) return as(balanced, DROP_NO_BACKEND, XDP_DROP);
  __u16 overhead = overhead_of(backend);
  if (frame->bytes + overhead > backend->mtu) {
    if (is_error) return as(balanced, DROP_TOO_BIG, XDP_DROP);
    return too_big(ctx, frame, backend->mtu - overhead, balanced);
  }
  if (!wrap(ctx, frame, backend, hash)) return as(balanced, DROP_NO_ROOM, XDP_DROP);
  carry(&service_counts, service, frame->bytes);
  carry(&backend_counts, id, frame->bytes);
  return as(balanced, BALANCED, leave(backend));
}

// What is known of the packet at hand. In a map, of which the verifier knows nothing: all that came before is one case to it,
// where it would walk through all of this once for each kind of packet.
struct work {
  struct packet packet;
  struct frame frame;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(struct work));
} work SEC(".maps");

INLINE int is_icmp(const struct packet *packet) {
  return packet->protocol == (packet->flags & PACKET_V6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

INLINE int answer(struct xdp_md *ctx, const struct packet *packet, struct balanced *balanced) {
  if (!find_service(packet, 0, packet->protocol) || !answer_echo(ctx, packet)) return 0;
  return as(balanced, ANSWERED_ECHO, XDP_TX);
}

// @returns whether the packet was a service's, and then what became of it
INLINE int balance(struct xdp_md *ctx, const struct packet *parsed, struct balanced *balanced) {
  __u32 zero = 0;
  struct work *at = bpf_map_lookup_elem(&work, &zero);
  if (!at) return 0;
  struct packet *packet = &at->packet;
  *packet = *parsed;
  asm volatile("" ::: "memory");
  at->frame = frame_of(ctx, packet);
  int is_about = is_icmp(packet);
  if (is_about) {
    if (settings.answers_echo && is_echo(packet)) return answer(ctx, packet, balanced);
    if (!is_error(packet) || !turn_to_flow(ctx, packet)) return 0;
  }
  struct service *service = find_service(packet, packet->target_port, packet->protocol);
  if (!service || !service->id) return 0;
  int is_by_source = service->flags & SERVICE_BY_SOURCE;
  if (packet->flags & PACKET_FRAGMENT && !is_by_source) return as(balanced, DROP_SERVICE_FRAGMENT, XDP_DROP);
  __u64 hash = flow_hash(packet, is_by_source);
  __u32 id = 0;
  if (settings.has_quic && service->flags & SERVICE_QUIC && !is_about) id = named(ctx, packet, service->id);
  if (!id) id = is_about ? chosen(service->id, hash) : choose(packet, service->id, hash);
  return send(ctx, &at->frame, service->id, id, hash, is_about, balanced);
}

#endif
