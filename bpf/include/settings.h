// What does not change while a program is attached. The verifier takes out what these leave unused.
#ifndef CLOUDBRIDGE_SETTINGS_H
#define CLOUDBRIDGE_SETTINGS_H

#include "lists.h"
#include "packet.h"

enum fragments {
  FRAGMENTS_PASS,   // the kernel puts them together
  FRAGMENTS_DROP_LATER,
  FRAGMENTS_DROP,
};

struct settings {
  __u8 has_lists;
  enum fragments fragments;
  __u8 drops_options;  // IPv4 options and IPv6 routing headers
  __u8 drops_martians;
};

// Names that no map has in it: user space knows them by this.
struct names {
  enum list_cell list_cell;
};
const volatile struct names names;

const volatile struct settings settings = {.drops_martians = 1};

#endif
