// Maps of BPF programs: their elements one by one and in batches, and memory of arrays.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf.h"

#define MOST_BATCH (1 << 24)
// Where a batch goes on is said in as many bytes as a key has, or in four.
#define CURSOR_BYTES 64

// What bpfMapInfo fills in; host/bpf/native.ts has the same.
enum { INFO_TYPE, INFO_KEY_BYTES, INFO_VALUE_BYTES, INFO_MOST, INFO_FLAGS, INFO_WORDS };

typedef struct {
  int fd;
  struct bpf_map_info info;
  size_t value_bytes;  // as the kernel reads and writes them: of all CPUs where each has its own
} bpf_map;

static const napi_type_tag tag = {0x4d0c8e15f2b7a963, 0xb6e1730f94d8c25a};

static void map_shut(bpf_map *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  map_shut(data);
  free(data);
}

static bool is_per_cpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

// The descriptor is the map's from now on. @param cpus that this machine may have
static napi_value map_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int fd, cpus;
  if (!args_get(env, info, 2, args) || !arg_descriptor(env, args[0], &fd) ||
      !arg_int(env, args[1], "cpus", 1, 65536, &cpus)) {
    return NULL;
  }
  bpf_map *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "map");
  self->fd = fd;
  if (!bpf_info_of(env, fd, &self->info, sizeof self->info)) {
    free(self);
    return NULL;
  }
  size_t value = self->info.value_size;
  self->value_bytes = is_per_cpu(self->info.type) ? (value + 7) / 8 * 8 * (size_t)cpus : value;
  return handle_new(env, self, on_collected, &tag);
}

static bpf_map *arg_map(napi_env env, napi_value value) {
  bpf_map *self = arg_handle(env, value, "map", &tag);
  if (self == NULL || self->fd >= 0) return self;
  throw_code(env, "ERR_CLOSED", "the map is closed");
  return NULL;
}

static napi_value map_info(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bpf_map *self;
  unsigned_view out;
  if (!args_get(env, info, 2, args) || (self = arg_map(env, args[0])) == NULL ||
      !arg_unsigned(env, args[1], "out", &out) || !is_room(env, out.length, INFO_WORDS, "out")) {
    return NULL;
  }
  out.data[INFO_TYPE] = self->info.type;
  out.data[INFO_KEY_BYTES] = self->info.key_size;
  out.data[INFO_VALUE_BYTES] = (uint32_t)self->value_bytes;
  out.data[INFO_MOST] = self->info.max_entries;
  out.data[INFO_FLAGS] = self->info.map_flags;
  return NULL;
}

// Some elements behind one another.
typedef struct {
  bpf_map *map;
  bytes_view keys, values;
} elements;

static bool arg_keys(napi_env env, const napi_value *args, size_t count, elements *out) {
  return (out->map = arg_map(env, args[0])) != NULL && arg_bytes(env, args[1], "keys", &out->keys) &&
         is_room(env, out->keys.length, count * out->map->info.key_size, "keys");
}

static bool arg_elements(napi_env env, const napi_value *args, size_t count, elements *out) {
  return arg_keys(env, args, count, out) && arg_bytes(env, args[2], "values", &out->values) &&
         is_room(env, out->values.length, count * out->map->value_bytes, "values");
}

static union bpf_attr attr_of(const elements *of) {
  union bpf_attr attr = {.map_fd = (uint32_t)of->map->fd, .key = bpf_pointer(of->keys.data)};
  attr.value = bpf_pointer(of->values.data);
  return attr;
}

static napi_value map_update(napi_env env, napi_callback_info info) {
  napi_value args[4];
  elements of;
  int flags;
  if (!args_get(env, info, 4, args) || !arg_elements(env, args, 1, &of) ||
      !arg_int(env, args[3], "flags", 0, 7, &flags)) {
    return NULL;
  }
  union bpf_attr attr = attr_of(&of);
  attr.flags = (uint64_t)flags;
  return sys_bpf(BPF_MAP_UPDATE_ELEM, &attr) == 0 ? NULL : throw_errno(env, errno, "BPF_MAP_UPDATE_ELEM");
}

// @returns whether there is one
static napi_value found(napi_env env, int status, const char *what) {
  if (status != 0 && errno != ENOENT) return throw_errno(env, errno, what);
  napi_value is;
  return napi_get_boolean(env, status == 0, &is) == napi_ok ? is : NULL;
}

static napi_value map_lookup(napi_env env, napi_callback_info info) {
  napi_value args[3];
  elements of;
  if (!args_get(env, info, 3, args) || !arg_elements(env, args, 1, &of)) return NULL;
  union bpf_attr attr = attr_of(&of);
  return found(env, sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr), "BPF_MAP_LOOKUP_ELEM");
}

static napi_value map_delete(napi_env env, napi_callback_info info) {
  napi_value args[2];
  elements of = {0};
  if (!args_get(env, info, 2, args) || !arg_keys(env, args, 1, &of)) return NULL;
  union bpf_attr attr = attr_of(&of);
  return found(env, sys_bpf(BPF_MAP_DELETE_ELEM, &attr), "BPF_MAP_DELETE_ELEM");
}

// @returns how many were done; an error is that of the next one
static napi_value batch(napi_env env, const elements *of, int count, enum bpf_cmd command, const char *what) {
  union bpf_attr attr = {.batch = {.map_fd = (uint32_t)of->map->fd, .count = (uint32_t)count}};
  attr.batch.keys = bpf_pointer(of->keys.data);
  attr.batch.values = bpf_pointer(of->values.data);
  if (sys_bpf(command, &attr) != 0) return throw_errno(env, errno, what);
  return make_double(env, attr.batch.count);
}

static napi_value map_update_batch(napi_env env, napi_callback_info info) {
  napi_value args[4];
  elements of;
  int count;
  if (!args_get(env, info, 4, args) || !arg_int(env, args[3], "count", 0, MOST_BATCH, &count) ||
      !arg_elements(env, args, (size_t)count, &of)) {
    return NULL;
  }
  return batch(env, &of, count, BPF_MAP_UPDATE_BATCH, "BPF_MAP_UPDATE_BATCH");
}

static napi_value map_delete_batch(napi_env env, napi_callback_info info) {
  napi_value args[3];
  elements of = {0};
  int count;
  if (!args_get(env, info, 3, args) || !arg_int(env, args[2], "count", 0, MOST_BATCH, &count) ||
      !arg_keys(env, args, (size_t)count, &of)) {
    return NULL;
  }
  return batch(env, &of, count, BPF_MAP_DELETE_BATCH, "BPF_MAP_DELETE_BATCH");
}

// `cursor`: where to go on. @returns how many were read; below 0: one less, and they were the last
static napi_value map_read(napi_env env, napi_callback_info info) {
  napi_value args[6];
  elements of;
  bytes_view cursor;
  int count;
  bool isFirst;
  if (!args_get(env, info, 6, args) || !arg_int(env, args[4], "count", 1, MOST_BATCH, &count) ||
      !arg_elements(env, args, (size_t)count, &of) || !arg_bytes(env, args[3], "cursor", &cursor) ||
      !is_room(env, cursor.length, CURSOR_BYTES, "cursor") || !arg_bool(env, args[5], "isFirst", &isFirst)) {
    return NULL;
  }
  if (of.map->info.key_size > CURSOR_BYTES) return throw_range(env, "keys of %u bytes", of.map->info.key_size);
  union bpf_attr attr = {.batch = {.map_fd = (uint32_t)of.map->fd, .count = (uint32_t)count}};
  attr.batch.keys = bpf_pointer(of.keys.data);
  attr.batch.values = bpf_pointer(of.values.data);
  attr.batch.in_batch = isFirst ? 0 : bpf_pointer(cursor.data);
  attr.batch.out_batch = bpf_pointer(cursor.data);
  int status = sys_bpf(BPF_MAP_LOOKUP_BATCH, &attr);
  if (status != 0 && errno != ENOENT) return throw_errno(env, errno, "BPF_MAP_LOOKUP_BATCH");
  double read = attr.batch.count;
  return make_double(env, status == 0 ? read : -read - 1);
}

// For others that work with descriptors: pins, objects.
static napi_value map_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bpf_map *self;
  if (!args_get(env, info, 1, args) || (self = arg_map(env, args[0])) == NULL) return NULL;
  return make_int(env, self->fd);
}

static napi_value map_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bpf_map *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "map", &tag)) == NULL) return NULL;
  map_shut(self);
  return NULL;
}

static void on_unmapped(napi_env env, void *data, void *hint) {
  (void)env;
  munmap(data, (size_t)(uintptr_t)hint);
}

static napi_value memory_of(napi_env env, const bpf_map *map, size_t from, size_t length, int protection) {
  napi_value buffer;
  void *memory = mmap(NULL, length, protection, MAP_SHARED, map->fd, (off_t)from);
  if (memory == MAP_FAILED) return throw_errno(env, errno, "mmap of a map");
  void *hint = (void *)(uintptr_t)length;
  if (napi_create_external_arraybuffer(env, memory, length, on_unmapped, hint, &buffer) == napi_ok) return buffer;
  munmap(memory, length);
  return throw_errno(env, ENOMEM, "memory of a map");
}

// Memory of an array that may be mapped: what is written there programs see at once.
static napi_value map_memory(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bpf_map *self;
  if (!args_get(env, info, 1, args) || (self = arg_map(env, args[0])) == NULL) return NULL;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t bytes = (self->value_bytes + 7) / 8 * 8 * self->info.max_entries;
  return memory_of(env, self, 0, (bytes + page - 1) / page * page, PROT_READ | PROT_WRITE);
}

// Memory of a ring: with `isConsumer` the page that says how far it was read; else, read-only, the page that says how far it
// was written, and the data twice, so that a record never ends in two pieces (Documentation/bpf/ringbuf.rst).
static napi_value map_ring(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bpf_map *self;
  bool isConsumer;
  if (!args_get(env, info, 2, args) || (self = arg_map(env, args[0])) == NULL ||
      !arg_bool(env, args[1], "isConsumer", &isConsumer)) {
    return NULL;
  }
  if (self->info.type != BPF_MAP_TYPE_RINGBUF) return throw_range(env, "a map of type %u is no ring", self->info.type);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (isConsumer) return memory_of(env, self, 0, page, PROT_READ | PROT_WRITE);
  return memory_of(env, self, page, page + 2 * (size_t)self->info.max_entries, PROT_READ);
}

NATIVE_FUNCTIONS(bpf_map, {"bpfMapOpen", map_open}, {"bpfMapInfo", map_info}, {"bpfMapUpdate", map_update},
                 {"bpfMapLookup", map_lookup}, {"bpfMapDelete", map_delete}, {"bpfMapUpdateBatch", map_update_batch},
                 {"bpfMapDeleteBatch", map_delete_batch}, {"bpfMapRead", map_read},
                 {"bpfMapDescriptor", map_descriptor},
                 {"bpfMapMemory", map_memory}, {"bpfMapRing", map_ring},
                 {"bpfMapClose", map_close});
