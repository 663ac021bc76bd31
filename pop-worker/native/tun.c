// Opening, describing and closing a TUN queue. tun-io.c moves the packets.
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// Newer than the oldest headers we build with (Linux 6.2).
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TCP_OFFLOADS (TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define UDP_OFFLOADS (TUN_F_USO4 | TUN_F_USO6)
#define ALL_OFFLOADS (TUN_F_CSUM | TCP_OFFLOADS | UDP_OFFLOADS)

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e05};

static void tun_shut(tun_device *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  tun_shut(data);
  free(data);
}

tun_device *arg_tun(napi_env env, napi_value value) {
  tun_device *self = arg_handle(env, value, "tun", &tag);
  if (self == NULL || self->fd >= 0) return self;
  throw_code(env, "ERR_CLOSED", "the TUN is closed");
  return NULL;
}

// All that is wished for, else without what came last to the kernel (USO), else nothing. All of them need checksums.
static unsigned set_offload(int fd, unsigned wished) {
  const unsigned attempts[] = {wished, wished & ~UDP_OFFLOADS, wished & TUN_F_CSUM};
  for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
    if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)attempts[i]) == 0) return attempts[i];
  }
  return 0;
}

// @returns what failed, or NULL; errno says why
static const char *attach(tun_device *self, int flags, unsigned offload) {
  struct ifreq request = {0};
  memcpy(request.ifr_name, self->name, sizeof request.ifr_name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (flags & TUN_MULTI_QUEUE) request.ifr_flags |= IFF_MULTI_QUEUE;
  if (self->vnet_header) request.ifr_flags |= IFF_VNET_HDR;
  self->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (self->fd < 0) return "/dev/net/tun";
  if (ioctl(self->fd, TUNSETIFF, &request) != 0) return "TUNSETIFF";
  memcpy(self->name, request.ifr_name, sizeof self->name);
  // The device goes with its last queue, even if someone made it persistent.
  if (ioctl(self->fd, TUNSETPERSIST, 0UL) != 0) return "TUNSETPERSIST";
  if (!self->vnet_header) return NULL;
  int header_bytes = sizeof(struct virtio_net_hdr);
  if (ioctl(self->fd, TUNSETVNETHDRSZ, &header_bytes) != 0) return "TUNSETVNETHDRSZ";
  self->offload = set_offload(self->fd, offload);
  return NULL;
}

static napi_value tun_open(napi_env env, napi_callback_info info) {
  napi_value args[3];
  char name[IFNAMSIZ] = {0};
  int flags, offload;
  if (!args_get(env, info, 3, args) || !arg_text(env, args[0], "name", name, sizeof name) ||
      !arg_int(env, args[1], "flags", 0, TUN_ALL_FLAGS, &flags) ||
      !arg_int(env, args[2], "offload", 0, ALL_OFFLOADS, &offload)) {
    return NULL;
  }
  tun_device *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "TUN");
  memcpy(self->name, name, sizeof name);
  self->vnet_header = (flags & TUN_VNET_HEADER) != 0;
  const char *failed = attach(self, flags, (unsigned)offload & ALL_OFFLOADS);
  if (failed != NULL) {
    int error = errno;
    on_collected(env, self, NULL);
    return throw_errno(env, error, failed);
  }
  return handle_new(env, self, on_collected, &tag);
}

static napi_value tun_name(napi_env env, napi_callback_info info) {
  napi_value args[1];
  tun_device *self;
  if (!args_get(env, info, 1, args) || (self = arg_tun(env, args[0])) == NULL) return NULL;
  return make_text(env, self->name);
}

static napi_value tun_offload(napi_env env, napi_callback_info info) {
  napi_value args[1];
  tun_device *self;
  if (!args_get(env, info, 1, args) || (self = arg_tun(env, args[0])) == NULL) return NULL;
  return make_int(env, (int32_t)self->offload);
}

static napi_value tun_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  tun_device *self;
  if (!args_get(env, info, 1, args) || (self = arg_tun(env, args[0])) == NULL) return NULL;
  return make_int(env, self->fd);
}

static napi_value tun_counters(napi_env env, napi_callback_info info) {
  napi_value args[2];
  tun_device *self;
  doubles_view into;
  if (!args_get(env, info, 2, args) || (self = arg_tun(env, args[0])) == NULL ||
      !arg_doubles(env, args[1], "into", &into)) {
    return NULL;
  }
  if (into.length < TUN_COUNTERS) return throw_range(env, "into must have %d elements", TUN_COUNTERS);
  memcpy(into.data, self->counters, sizeof self->counters);
  return NULL;
}

static napi_value tun_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  tun_device *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "tun", &tag)) == NULL) return NULL;
  tun_shut(self);
  return NULL;
}

NATIVE_FUNCTIONS(tun, {"tunOpen", tun_open}, {"tunName", tun_name}, {"tunOffload", tun_offload},
                 {"tunDescriptor", tun_descriptor}, {"tunCounters", tun_counters}, {"tunClose", tun_close});
