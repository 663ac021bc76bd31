// The front door of a PoP: what comes in by an interface is looked at here before the kernel makes anything of it.
#include "include/count.h"
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

SEC("xdp")
int front(struct xdp_md *ctx) {
  __u64 bytes = at_end(ctx) - at_data(ctx);
  struct packet packet = {};
  enum parsed parsed = parse(ctx, &packet);
  if (parsed == PARSED_NOT_IP) return pass(NOT_IP, bytes);
  if (parsed == PARSED_MALFORMED) return drop(DROP_MALFORMED, bytes);
  if (settings.drops_martians && is_martian(&packet)) return drop(DROP_MARTIAN, bytes);
  if (settings.drops_options && packet.flags & PACKET_OPTIONS) return drop(DROP_OPTIONS, bytes);
  if (is_unwanted_fragment(&packet)) return drop(DROP_FRAGMENT, bytes);
  if (settings.has_lists) {
    enum list_action action = listed(&packet);
    if (action == LIST_DENY) return drop(DROP_DENIED, bytes);
    if (action == LIST_ALLOW) return pass(ALLOWED, bytes);
  }
  return pass(PASSED, bytes);
}
