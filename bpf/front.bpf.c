// The front door of a PoP: what comes in by an interface is looked at here before the kernel makes anything of it.
#include "include/balance.h"
#include "include/count.h"
#include "include/limit.h"
#include "include/lists.h"
#include "include/martian.h"
#include "include/parse.h"
#include "include/settings.h"

char _license[] SEC("license") = "GPL";

INLINE int drop(enum counter why, __u64 bytes) {
  count(why, bytes);
  return XDP_DROP;
}

INLINE int pass(enum counter why, __u64 bytes) {
  count(why, bytes);
  return XDP_PASS;
}

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

INLINE int judge(struct xdp_md *ctx) {
  __u64 bytes = at_end(ctx) - at_data(ctx);
  struct packet packet = {};
  enum parsed parsed = parse(ctx, &packet);
  if (parsed == PARSED_NOT_IP) return pass(NOT_IP, bytes);
  if (parsed == PARSED_MALFORMED) return drop(DROP_MALFORMED, bytes);
  if (settings.drops_martians && is_martian(&packet)) return drop(DROP_MARTIAN, bytes);
  if (settings.drops_options && packet.flags & PACKET_OPTIONS) return drop(DROP_OPTIONS, bytes);
  if (is_unwanted_fragment(&packet)) return drop(DROP_FRAGMENT, bytes);
  enum list_action action = settings.has_lists ? listed(&packet) : LIST_NONE;
  if (action == LIST_DENY) return drop(DROP_DENIED, bytes);
  if (action != LIST_ALLOW && settings.limit_lines && is_over_limit(&packet, class_of(ctx, &packet)))
    return drop(DROP_LIMITED, bytes);
  if (settings.has_services) {
    struct balanced balanced = {};
    if (balance(ctx, &packet, &balanced)) {
      count(balanced.counter, bytes);
      return balanced.verdict;
    }
  }
  return pass(action == LIST_ALLOW ? ALLOWED : PASSED, bytes);
}

SEC("xdp")
int front(struct xdp_md *ctx) { return judge(ctx); }
