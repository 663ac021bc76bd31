// What the two TUN files share.
#ifndef CLOUDBRIDGE_TUN_H
#define CLOUDBRIDGE_TUN_H

#include <net/if.h>

#include "napi-util.h"

// host/tun/native.ts: words of a packet's descriptor.
#define TUN_WORDS 8
#define T_OFFSET 0
#define T_LENGTH 1
#define T_FLAGS 2
#define T_GSO_TYPE 3
#define T_HEADER_LENGTH 4
#define T_GSO_SIZE 5
#define T_CSUM_START 6
#define T_CSUM_OFFSET 7

// host/tun/native.ts: TUN_SLOT_BYTES. A read into less room would be cut off without a word.
#define TUN_SLOT_BYTES 65536

// host/tun/native.ts: TunFlag.
#define TUN_MULTI_QUEUE 1
#define TUN_VNET_HEADER 2
#define TUN_ALL_FLAGS 3

// host/tun/native.ts: TUN_COUNTERS.
enum {
  C_READ_PACKETS,
  C_READ_BYTES,
  C_READ_ERRORS,
  C_WRITTEN_PACKETS,
  C_WRITTEN_BYTES,
  C_WOULD_BLOCK,
  C_INVALID,
  C_NO_BUFFERS,
  C_DOWN,
  C_OTHER_ERRORS,
  TUN_COUNTERS
};

typedef struct {
  int fd;
  bool vnet_header;
  unsigned offload;  // TUN_F_… bits that are on
  char name[IFNAMSIZ];
  double counters[TUN_COUNTERS];
} tun_device;

// The open device behind a handle; throws and returns NULL when it is none or closed.
tun_device *arg_tun(napi_env env, napi_value value);
// Which counter a failed write belongs to.
int tun_counter_of(int error);

#endif
