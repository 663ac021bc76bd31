// What does not change while a program is attached. The verifier takes out what these leave unused.
#ifndef CLOUDBRIDGE_SETTINGS_H
#define CLOUDBRIDGE_SETTINGS_H

#include "lists.h"
#include "packet.h"

enum fragments {
  FRAGMENTS_PASS,  // the kernel puts them together
  FRAGMENTS_DROP_LATER,
  FRAGMENTS_DROP,
};

// Each packet is of one.
enum limit_class {
  LIMIT_OTHER,
  LIMIT_SYN,
  LIMIT_INITIAL,  // of QUIC
  LIMIT_ICMP,
  LIMIT_FRAGMENT,
  LIMIT_UDP,
};
#define LIMIT_CLASSES 8

struct limit {
  __u32 rate;   // tokens in 2^20 ns; 0: no limit
  __u32 burst;  // tokens
};

struct settings {
  __u8 seed[8];
  __u8 limit_mask_v4[8];  // in the order of networks
  __u8 limit_mask_v6[8];
  __u32 limit_lines;  // a power of two
  enum fragments fragments;
  __u8 has_lists;
  __u8 has_coarse_clock;
  __u8 drops_options;  // IPv4 options and IPv6 extension headers
  __u8 drops_martians;
  struct limit limits[LIMIT_CLASSES];
  __u32 connection_lines;  // a power of two
  __u8 flow_seed[8];       // the same at all that balance the same services: they choose the same backends
  __u32 timeouts[4];       // by enum connection_state, in units of 2^time_shift ticks of the kernel
  __u8 time_shift;
  __u8 has_services;
  __u8 has_any_port;
  __u8 has_service_prefixes;
  __u8 has_quic;
  __u8 answers_echo;
};

const volatile struct settings settings = {.drops_martians = 1};

// Names that are in no map and no setting: user space knows them by this.
struct names {
  enum list_cell list_cell;
  enum limit_class limit_class;
};
const volatile struct names names;

#endif
