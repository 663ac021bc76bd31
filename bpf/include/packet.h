// What a packet is to the stages behind the parser. Addresses and ports stay in network order.
#ifndef CLOUDBRIDGE_PACKET_H
#define CLOUDBRIDGE_PACKET_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define INLINE static __always_inline

enum packet_flags {
  PACKET_V6 = 1,
  PACKET_FRAGMENT = 2,        // any part of a datagram that was cut
  PACKET_LATER_FRAGMENT = 4,  // one without a transport header
  PACKET_OPTIONS = 8,         // IPv4 options, or extension headers
};

struct packet {
  __u32 source[4];  // IPv4: the first word alone
  __u32 target[4];
  __u16 source_port;  // of an ICMP echo: its identifier
  __u16 target_port;
  __u16 bytes;     // from the IP header on, as it says itself
  __u16 network;   // where the IP header begins
  __u16 transport;  // where the transport header begins; of a later fragment: the data
  __u8 protocol;
  __u8 flags;  // enum packet_flags
  __u8 hops;   // TTL or hop limit
  __u8 dscp;
  __u8 tcp_flags;
  __u8 icmp_type;
  __u8 icmp_code;
};

INLINE void *at_data(struct xdp_md *ctx) { return (void *)(long)ctx->data; }
INLINE void *at_end(struct xdp_md *ctx) { return (void *)(long)ctx->data_end; }

#endif
