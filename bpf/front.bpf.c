// The front door of a PoP: what comes in by an interface is looked at here before the kernel makes anything of it.
#include "include/balance.h"
#include "include/count.h"
#include "include/limit.h"
#include "include/lists.h"
#include "include/martian.h"
#include "include/parse.h"
#include "include/sample.h"
#include "include/settings.h"

char _license[] SEC("license") = "GPL";

INLINE int drop(struct balanced *to, enum counter why) { return as(to, why, XDP_DROP); }

INLINE int pass(struct balanced *to, enum counter why) { return as(to, why, XDP_PASS); }

INLINE int is_unwanted_fragment(const struct packet *packet) {
  if (settings.fragments == FRAGMENTS_DROP) return packet->flags & PACKET_FRAGMENT;
  return settings.fragments == FRAGMENTS_DROP_LATER && packet->flags & PACKET_LATER_FRAGMENT;
}

// QUIC Initials of any version have a long header and, of those that there are, are the first packets of a connection.
INLINE int is_initial(struct xdp_md *ctx, const struct packet *packet) {
  __u8 *first = at_data(ctx) + packet->transport + sizeof(struct udphdr);
  if (packet->transport > 512 || (void *)(first + 1) > at_end(ctx)) return 0;
  return *first & 0x80;
}

INLINE enum limit_class class_of(struct xdp_md *ctx, const struct packet *packet) {
  if (packet->flags & PACKET_FRAGMENT) return LIMIT_FRAGMENT;
  switch (packet->protocol) {
    case IPPROTO_TCP:
      return (packet->tcp_flags & 0x12) == 2 ? LIMIT_SYN : LIMIT_OTHER;
    case IPPROTO_UDP:
      return is_initial(ctx, packet) ? LIMIT_INITIAL : LIMIT_UDP;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return LIMIT_ICMP;
    default:
      return LIMIT_OTHER;
  }
}

// Says what is to become of a packet, and why.
INLINE int decide(struct xdp_md *ctx, struct packet *packet, struct balanced *to) {
  enum parsed parsed = parse(ctx, packet);
  if (parsed == PARSED_NOT_IP) return pass(to, NOT_IP);
  if (parsed == PARSED_MALFORMED) return drop(to, DROP_MALFORMED);
  if (settings.drops_martians && is_martian(packet)) return drop(to, DROP_MARTIAN);
  if (settings.drops_options && packet->flags & PACKET_OPTIONS) return drop(to, DROP_OPTIONS);
  if (is_unwanted_fragment(packet)) return drop(to, DROP_FRAGMENT);
  enum list_action action = settings.has_lists ? listed(packet) : LIST_NONE;
  if (action == LIST_DENY) return drop(to, DROP_DENIED);
  if (action != LIST_ALLOW && settings.limit_lines && is_over_limit(packet, class_of(ctx, packet)))
    return drop(to, DROP_LIMITED);
  if (settings.has_services && balance(ctx, packet, to)) return 1;
  return pass(to, action == LIST_ALLOW ? ALLOWED : PASSED);
}

INLINE int judge(struct xdp_md *ctx) {
  __u32 bytes = at_end(ctx) - at_data(ctx);
  struct packet packet = {};
  struct balanced to = {};
  decide(ctx, &packet, &to);
  count(to.counter, bytes);
  sample(ctx, &packet, to.counter, bytes);
  return to.verdict;
}

SEC("xdp")
int front(struct xdp_md *ctx) { return judge(ctx); }
