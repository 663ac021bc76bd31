// bpf(2) by itself: programs, links, pins, test runs. Maps: bpf-map.c; objects are loaded in bpf-object.c.
#include "bpf.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_PATH 256
// With the zero behind it.
#define MOST_MAP_NAME 16

// What bpfProgramInfo and bpfTestRun fill in; host/bpf/native.ts has the same.
enum { PROGRAM_ID, PROGRAM_VERIFIED, PROGRAM_XLATED_BYTES, PROGRAM_JITED_BYTES, PROGRAM_MAPS, PROGRAM_WORDS };
enum { RUN_VERDICT, RUN_BYTES, RUN_NS, RUN_WORDS };

int sys_bpf(enum bpf_cmd command, union bpf_attr *attr) {
  return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

uint64_t bpf_pointer(const void *address) { return (uint64_t)(uintptr_t)address; }

bool arg_descriptor(napi_env env, napi_value value, int *out) {
  return arg_int(env, value, "descriptor", 0, INT32_MAX, out);
}

bool is_room(napi_env env, size_t have, size_t want, const char *name) {
  if (have >= want) return true;
  throw_range(env, "%s has room for %zu of %zu", name, have, want);
  return false;
}

bool bpf_info_of(napi_env env, int fd, void *info, size_t bytes) {
  union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd, .info_len = (uint32_t)bytes, .info = bpf_pointer(info)}};
  if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0) return true;
  // A word of its own for what everybody else calls EBADF.
  throw_errno(env, errno == EBADFD ? EBADF : errno, "BPF_OBJ_GET_INFO_BY_FD");
  return false;
}

static napi_value program_info(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd;
  unsigned_view out;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_unsigned(env, args[1], "out", &out) || !is_room(env, out.length, PROGRAM_WORDS, "out")) {
    return NULL;
  }
  struct bpf_prog_info program = {0};
  if (!bpf_info_of(env, fd, &program, sizeof program)) return NULL;
  out.data[PROGRAM_ID] = program.id;
  out.data[PROGRAM_VERIFIED] = program.verified_insns;
  out.data[PROGRAM_XLATED_BYTES] = program.xlated_prog_len;
  out.data[PROGRAM_JITED_BYTES] = program.jited_prog_len;
  out.data[PROGRAM_MAPS] = program.nr_map_ids;
  return NULL;
}

static napi_value test_run(napi_env env, napi_callback_info info) {
  napi_value args[6];
  int fd, repeat, flags;
  bytes_view in, out;
  unsigned_view results;
  if (!args_get(env, info, 6, args) || !arg_descriptor(env, args[0], &fd) || !arg_bytes(env, args[1], "packet", &in) ||
      !arg_bytes(env, args[2], "out", &out) || !arg_int(env, args[3], "repeat", 1, INT32_MAX, &repeat) ||
      !arg_int(env, args[4], "flags", 0, INT32_MAX, &flags) || !arg_unsigned(env, args[5], "results", &results) ||
      !is_room(env, results.length, RUN_WORDS, "results")) {
    return NULL;
  }
  union bpf_attr attr = {.test = {.prog_fd = (uint32_t)fd, .data_size_in = (uint32_t)in.length}};
  attr.test.data_in = bpf_pointer(in.data);
  attr.test.repeat = (uint32_t)repeat;
  attr.test.flags = (uint32_t)flags;
  if (flags == 0) {
    attr.test.data_out = bpf_pointer(out.data);
    attr.test.data_size_out = (uint32_t)out.length;
  }
  if (sys_bpf(BPF_PROG_TEST_RUN, &attr) != 0) return throw_errno(env, errno, "BPF_PROG_TEST_RUN");
  results.data[RUN_VERDICT] = attr.test.retval;
  results.data[RUN_BYTES] = attr.test.data_size_out;
  results.data[RUN_NS] = attr.test.duration;
  return NULL;
}

static napi_value link_xdp(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int program, interface, flags;
  if (!args_get(env, info, 3, args) || !arg_descriptor(env, args[0], &program) ||
      !arg_int(env, args[1], "interface", 1, INT32_MAX, &interface) ||
      !arg_int(env, args[2], "flags", 0, INT32_MAX, &flags)) {
    return NULL;
  }
  union bpf_attr attr = {.link_create = {.prog_fd = (uint32_t)program, .attach_type = BPF_XDP}};
  attr.link_create.target_ifindex = (uint32_t)interface;
  attr.link_create.flags = (uint32_t)flags;
  int fd = sys_bpf(BPF_LINK_CREATE, &attr);
  return fd < 0 ? throw_errno(env, errno, "BPF_LINK_CREATE") : make_int(env, fd);
}

static napi_value link_update(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int link, program;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &link) ||
      !arg_descriptor(env, args[1], &program)) {
    return NULL;
  }
  union bpf_attr attr = {.link_update = {.link_fd = (uint32_t)link, .new_prog_fd = (uint32_t)program}};
  return sys_bpf(BPF_LINK_UPDATE, &attr) == 0 ? NULL : throw_errno(env, errno, "BPF_LINK_UPDATE");
}

// A map that no object has: one inside another. @returns its descriptor
static napi_value map_create(napi_env env, napi_callback_info info) {
  napi_value args[6];
  int type, key, value, most, flags;
  char name[MOST_MAP_NAME] = {0};
  if (!args_get(env, info, 6, args) || !arg_text(env, args[0], "name", name, sizeof name) ||
      !arg_int(env, args[1], "type", 1, INT32_MAX, &type) || !arg_int(env, args[2], "key", 1, INT32_MAX, &key) ||
      !arg_int(env, args[3], "value", 1, INT32_MAX, &value) || !arg_int(env, args[4], "most", 1, INT32_MAX, &most) ||
      !arg_int(env, args[5], "flags", 0, INT32_MAX, &flags)) {
    return NULL;
  }
  union bpf_attr attr = {.map_type = (uint32_t)type, .key_size = (uint32_t)key, .value_size = (uint32_t)value};
  attr.max_entries = (uint32_t)most;
  attr.map_flags = (uint32_t)flags;
  memcpy(attr.map_name, name, sizeof attr.map_name);
  int fd = sys_bpf(BPF_MAP_CREATE, &attr);
  return fd < 0 ? throw_errno(env, errno, "BPF_MAP_CREATE") : make_int(env, fd);
}

static napi_value pin(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd;
  char path[MOST_PATH];
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_text(env, args[1], "path", path, sizeof path)) {
    return NULL;
  }
  union bpf_attr attr = {.pathname = bpf_pointer(path), .bpf_fd = (uint32_t)fd};
  return sys_bpf(BPF_OBJ_PIN, &attr) == 0 ? NULL : throw_errno(env, errno, path);
}

// @returns the descriptor of what is pinned there
static napi_value pinned(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[MOST_PATH];
  if (!args_get(env, info, 1, args) || !arg_text(env, args[0], "path", path, sizeof path)) return NULL;
  union bpf_attr attr = {.pathname = bpf_pointer(path)};
  int fd = sys_bpf(BPF_OBJ_GET, &attr);
  return fd < 0 ? throw_errno(env, errno, path) : make_int(env, fd);
}

NATIVE_FUNCTIONS(bpf, {"bpfProgramInfo", program_info}, {"bpfTestRun", test_run}, {"bpfLinkXdp", link_xdp},
                 {"bpfLinkUpdate", link_update}, {"bpfMapCreate", map_create}, {"bpfPin", pin}, {"bpfPinned", pinned});
