// The calling thread's CPUs, scheduling, name and network namespace.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "napi-util.h"

#define THREAD_NAME_BYTES 16

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71  // Linux 5.14
#endif

typedef struct {
  int fd;
} network_namespace;

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e03};

static napi_value thread_pin(napi_env env, napi_callback_info info) {
  napi_value args[1];
  words_view cpus;
  if (!args_get(env, info, 1, args) || !arg_words(env, args[0], "cpus", &cpus)) return NULL;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = 0; i < cpus.length; i++) {
    if (cpus.data[i] < 0 || cpus.data[i] >= CPU_SETSIZE) {
      return throw_range(env, "cpus must be from 0 to %d", CPU_SETSIZE - 1);
    }
    CPU_SET(cpus.data[i], &set);
  }
  if (sched_setaffinity(0, sizeof set, &set) != 0) return throw_errno(env, errno, "sched_setaffinity");
  return NULL;
}

static napi_value thread_affinity(napi_env env, napi_callback_info info) {
  napi_value args[1];
  words_view cpus;
  if (!args_get(env, info, 1, args) || !arg_words(env, args[0], "cpus", &cpus)) return NULL;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return throw_errno(env, errno, "sched_getaffinity");
  if (cpus.length < (size_t)CPU_COUNT(&set)) return throw_range(env, "cpus must have %d words", CPU_COUNT(&set));
  int count = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.data[count++] = cpu;
  }
  return make_int(env, count);
}

// Threads that it makes are ordinary ones again.
static napi_value thread_realtime(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int priority;
  if (!args_get(env, info, 1, args) || !arg_int(env, args[0], "priority", 0, 99, &priority)) return NULL;
  struct sched_param param = {.sched_priority = priority};
  int policy = priority == 0 ? SCHED_OTHER : SCHED_RR | SCHED_RESET_ON_FORK;
  if (sched_setscheduler(0, policy, &param) != 0) return throw_errno(env, errno, "sched_setscheduler");
  return NULL;
}

static napi_value thread_name(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char name[THREAD_NAME_BYTES];
  if (!args_get(env, info, 1, args) || !arg_text(env, args[0], "name", name, sizeof name)) return NULL;
  pthread_setname_np(pthread_self(), name);
  return NULL;
}

static napi_value thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  return make_int(env, gettid());
}

static void namespace_shut(network_namespace *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  namespace_shut(data);
  free(data);
}

static napi_value namespace_open(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[PATH_MAX];
  if (!args_get(env, info, 1, args) || !arg_text(env, args[0], "path", path, sizeof path)) return NULL;
  network_namespace *self = malloc(sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, path);
  self->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (self->fd < 0) {
    int error = errno;
    free(self);
    return throw_errno(env, error, path);
  }
  return handle_new(env, self, on_collected, &tag);
}

static napi_value namespace_enter(napi_env env, napi_callback_info info) {
  napi_value args[1];
  network_namespace *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "namespace", &tag)) == NULL) return NULL;
  if (self->fd < 0) return throw_code(env, "ERR_CLOSED", "the namespace is closed");
  if (setns(self->fd, CLONE_NEWNET) != 0) return throw_errno(env, errno, "setns");
  return NULL;
}

static napi_value namespace_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  network_namespace *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "namespace", &tag)) == NULL) return NULL;
  namespace_shut(self);
  return NULL;
}

static napi_value namespace_cookie(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket");
  uint64_t cookie = 0;
  socklen_t bytes = sizeof cookie;
  int error = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes) == 0 ? 0 : errno;
  close(fd);
  if (error != 0) return throw_errno(env, error, "SO_NETNS_COOKIE");
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, cookie);
  return make_text(env, text);
}

static napi_value thread_yield(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  sched_yield();
  return NULL;
}

// @returns 0 when the thread's namespace has no such interface
static napi_value interface_index(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char name[IFNAMSIZ];
  if (!args_get(env, info, 1, args) || !arg_text(env, args[0], "name", name, sizeof name)) return NULL;
  return make_int(env, (int32_t)if_nametoindex(name));
}

NATIVE_FUNCTIONS(thread, {"threadPin", thread_pin}, {"threadAffinity", thread_affinity},
                 {"threadRealtime", thread_realtime}, {"threadName", thread_name}, {"threadId", thread_id},
                 {"threadYield", thread_yield},
                 {"namespaceOpen", namespace_open}, {"namespaceEnter", namespace_enter},
                 {"namespaceClose", namespace_close}, {"namespaceCookie", namespace_cookie},
                 {"interfaceIndex", interface_index});
