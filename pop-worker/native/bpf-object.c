// Objects of BPF programs, loaded by libbpf. It is looked for when it is first needed: the engine works without it.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "napi-util.h"

#define LIBRARY "libbpf.so.1"
#define MOST_NAME 64
// Of what libbpf and the verifier say the end is kept: the reason stands there.
#define LOG_BYTES 8192

typedef int print_function(int level, const char *format, va_list values);

typedef struct {
  size_t bytes;
  const char *name;
} open_options;

// The part of libbpf's interface, of version 1, that is used here.
static struct {
  void *(*open)(const void *bytes, size_t length, const open_options *options);
  int (*load)(void *object);
  void (*close)(void *object);
  void *(*map)(const void *object, const char *name);
  int (*map_fd)(const void *map);
  int (*map_size)(void *map, uint32_t most);
  int (*map_value)(void *map, const void *bytes, size_t length);
  int (*map_reuse)(void *map, int fd);
  void *(*program)(const void *object, const char *name);
  int (*program_fd)(const void *program);
  int (*program_load)(void *program, bool loads);
  print_function *(*set_print)(print_function *print);
} libbpf;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char missing[256];
static bool is_ready;

static _Thread_local char said[LOG_BYTES];
static _Thread_local size_t said_bytes;

static void forget_said(void) { said_bytes = 0; }

static int on_print(int level, const char *format, va_list values) {
  (void)level;
  char *line;
  int length = vasprintf(&line, format, values);
  if (length < 0) return length;
  // A verifier's log comes as one piece, whose end counts.
  size_t take = (size_t)length < LOG_BYTES - 1 ? (size_t)length : LOG_BYTES - 1;
  size_t kept = LOG_BYTES - 1 - take < said_bytes ? LOG_BYTES - 1 - take : said_bytes;
  memmove(said, said + said_bytes - kept, kept);
  memcpy(said + kept, line + length - take, take);
  said_bytes = kept + take;
  said[said_bytes] = 0;
  free(line);
  return length;
}

static const struct {
  const char *name;
  void **place;
} symbols[] = {
    {"bpf_object__open_mem", (void **)&libbpf.open},
    {"bpf_object__load", (void **)&libbpf.load},
    {"bpf_object__close", (void **)&libbpf.close},
    {"bpf_object__find_map_by_name", (void **)&libbpf.map},
    {"bpf_map__fd", (void **)&libbpf.map_fd},
    {"bpf_map__set_max_entries", (void **)&libbpf.map_size},
    {"bpf_map__set_initial_value", (void **)&libbpf.map_value},
    {"bpf_map__reuse_fd", (void **)&libbpf.map_reuse},
    {"bpf_object__find_program_by_name", (void **)&libbpf.program},
    {"bpf_program__fd", (void **)&libbpf.program_fd},
    {"bpf_program__set_autoload", (void **)&libbpf.program_load},
    {"libbpf_set_print", (void **)&libbpf.set_print},
};

static void find_library(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(missing, sizeof missing, "%s does not load (%s)", LIBRARY, dlerror());
    return;
  }
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    *symbols[i].place = dlsym(library, symbols[i].name);
    if (*symbols[i].place == NULL) {
      snprintf(missing, sizeof missing, "%s has no %s", LIBRARY, symbols[i].name);
      return;
    }
  }
  libbpf.set_print(on_print);
  is_ready = true;
}

// @returns false: it has thrown
static bool has_library(napi_env env) {
  pthread_mutex_lock(&lock);
  if (!is_ready) find_library();
  bool is = is_ready;
  pthread_mutex_unlock(&lock);
  if (!is) throw_code(env, "ERR_NO_LIBBPF", missing);
  return is;
}

typedef struct {
  void *object;
} bpf_object;

static const napi_type_tag tag = {0x2f6bd1c8a0e94d35, 0x8b17c4e2905fa36d};

static void object_close(bpf_object *self) {
  if (self->object != NULL) libbpf.close(self->object);
  self->object = NULL;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  object_close(data);
  free(data);
}

static bpf_object *arg_object(napi_env env, napi_value value) {
  bpf_object *self = arg_handle(env, value, "object", &tag);
  if (self == NULL || self->object != NULL) return self;
  throw_code(env, "ERR_CLOSED", "the object is closed");
  return NULL;
}

// Errors of libbpf are negative errnos; what it said goes with them.
static napi_value throw_said(napi_env env, int status, const char *what) {
  char text[LOG_BYTES + 256];
  snprintf(text, sizeof text, "%s: %s%s%.*s", what, strerror(-status), said_bytes > 0 ? "\n" : "", (int)said_bytes, said);
  return throw_code(env, "ERR_BPF", text);
}

static napi_value object_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bytes_view bytes;
  char name[MOST_NAME];
  if (!args_get(env, info, 2, args) || !arg_bytes(env, args[0], "bytes", &bytes) ||
      !arg_text(env, args[1], "name", name, sizeof name) || !has_library(env)) {
    return NULL;
  }
  bpf_object *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "object");
  forget_said();
  open_options options = {sizeof options, name};
  errno = 0;
  self->object = libbpf.open(bytes.data, bytes.length, &options);
  if (self->object != NULL) return handle_new(env, self, on_collected, &tag);
  int error = errno;
  free(self);
  return throw_said(env, -error, "no BPF object");
}

// @returns NULL: it has thrown
static void *arg_map(napi_env env, const bpf_object *self, napi_value value) {
  char name[MOST_NAME];
  if (!arg_text(env, value, "map", name, sizeof name)) return NULL;
  void *map = libbpf.map(self->object, name);
  if (map == NULL) throw_range(env, "the object has no map %s", name);
  return map;
}

static void *arg_program(napi_env env, const bpf_object *self, napi_value value) {
  char name[MOST_NAME];
  if (!arg_text(env, value, "program", name, sizeof name)) return NULL;
  void *program = libbpf.program(self->object, name);
  if (program == NULL) throw_range(env, "the object has no program %s", name);
  return program;
}

static napi_value object_map_size(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bpf_object *self;
  void *map;
  double most;
  if (!args_get(env, info, 3, args) || (self = arg_object(env, args[0])) == NULL ||
      (map = arg_map(env, self, args[1])) == NULL || !arg_double(env, args[2], "most", 1, UINT32_MAX, &most)) {
    return NULL;
  }
  forget_said();
  int status = libbpf.map_size(map, (uint32_t)most);
  return status == 0 ? NULL : throw_said(env, status, "size of a map");
}

// What constants of the program are before it is loaded.
static napi_value object_map_value(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bpf_object *self;
  void *map;
  bytes_view bytes;
  if (!args_get(env, info, 3, args) || (self = arg_object(env, args[0])) == NULL ||
      (map = arg_map(env, self, args[1])) == NULL || !arg_bytes(env, args[2], "bytes", &bytes)) {
    return NULL;
  }
  forget_said();
  int status = libbpf.map_value(map, bytes.data, bytes.length);
  return status == 0 ? NULL : throw_said(env, status, "constants");
}

// A map that is there already in place of a new one.
static napi_value object_map_reuse(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bpf_object *self;
  void *map;
  int fd;
  if (!args_get(env, info, 3, args) || (self = arg_object(env, args[0])) == NULL ||
      (map = arg_map(env, self, args[1])) == NULL || !arg_int(env, args[2], "descriptor", 0, INT32_MAX, &fd)) {
    return NULL;
  }
  forget_said();
  int status = libbpf.map_reuse(map, fd);
  return status == 0 ? NULL : throw_said(env, status, "a map that is there");
}

static napi_value object_program_load(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bpf_object *self;
  void *program;
  bool loads;
  if (!args_get(env, info, 3, args) || (self = arg_object(env, args[0])) == NULL ||
      (program = arg_program(env, self, args[1])) == NULL || !arg_bool(env, args[2], "loads", &loads)) {
    return NULL;
  }
  forget_said();
  int status = libbpf.program_load(program, loads);
  return status == 0 ? NULL : throw_said(env, status, "a program");
}

static napi_value object_load(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bpf_object *self;
  if (!args_get(env, info, 1, args) || (self = arg_object(env, args[0])) == NULL) return NULL;
  forget_said();
  int status = libbpf.load(self->object);
  return status == 0 ? NULL : throw_said(env, status, "the kernel does not take the program");
}

// A descriptor of its own, which stays when the object is closed.
static napi_value duplicate(napi_env env, int fd, const char *what) {
  if (fd < 0) return throw_code(env, "ERR_BPF", "the object is not loaded");
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return own < 0 ? throw_errno(env, errno, what) : make_int(env, own);
}

static napi_value object_map(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bpf_object *self;
  void *map;
  if (!args_get(env, info, 2, args) || (self = arg_object(env, args[0])) == NULL ||
      (map = arg_map(env, self, args[1])) == NULL) {
    return NULL;
  }
  return duplicate(env, libbpf.map_fd(map), "map");
}

static napi_value object_program(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bpf_object *self;
  void *program;
  if (!args_get(env, info, 2, args) || (self = arg_object(env, args[0])) == NULL ||
      (program = arg_program(env, self, args[1])) == NULL) {
    return NULL;
  }
  return duplicate(env, libbpf.program_fd(program), "program");
}

static napi_value object_shut(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bpf_object *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "object", &tag)) == NULL) return NULL;
  object_close(self);
  return NULL;
}

NATIVE_FUNCTIONS(bpf_object, {"bpfObjectOpen", object_open}, {"bpfObjectMapSize", object_map_size},
                 {"bpfObjectMapValue", object_map_value}, {"bpfObjectMapReuse", object_map_reuse},
                 {"bpfObjectProgramLoad", object_program_load}, {"bpfObjectLoad", object_load},
                 {"bpfObjectMap", object_map}, {"bpfObjectProgram", object_program}, {"bpfObjectClose", object_shut});
