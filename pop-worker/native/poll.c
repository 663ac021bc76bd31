// Readiness of a descriptor on the calling thread's event loop.
//
// The watch owns a duplicate of the descriptor: several watches of one socket, a socket closed before its watch, and a
// descriptor number that another thread reuses are all harmless. Two owners keep the struct: libuv, until the close
// callback, and the JavaScript handle, until it is collected. A worker that ends closes the handle by an async cleanup
// hook, which the environment waits for; a plain hook would free the loop under it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "napi-util.h"

#define EVENT_FAILED 16

typedef struct {
  uv_poll_t uv;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  int fd;
  int events;
  int owners;
  bool drain;
  bool closing;
} poll_watch;

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e01};

static void release(poll_watch *watch) {
  if (--watch->owners == 0) free(watch);
}

static void on_closed(uv_handle_t *handle) {
  poll_watch *watch = handle->data;
  if (watch->callback != NULL) napi_delete_reference(watch->env, watch->callback);
  if (watch->context != NULL) napi_async_destroy(watch->env, watch->context);
  // The last thing that touches the environment: without the hook nothing keeps it alive.
  if (watch->hook != NULL) napi_remove_async_cleanup_hook(watch->hook);
  release(watch);
}

static void begin_close(poll_watch *watch) {
  if (watch->closing) return;
  watch->closing = true;
  uv_close((uv_handle_t *)&watch->uv, on_closed);
  close(watch->fd);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  begin_close(data);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  poll_watch *watch = data;
  begin_close(watch);
  release(watch);
}

static void report_exception(napi_env env) {
  bool pending = false;
  napi_value error;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void call_back(poll_watch *watch, int events, double count) {
  napi_env env = watch->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value function, receiver;
  napi_value args[2] = {make_int(env, events), make_double(env, count)};
  if (args[0] != NULL && args[1] != NULL && napi_get_reference_value(env, watch->callback, &function) == napi_ok &&
      napi_get_global(env, &receiver) == napi_ok &&
      napi_make_callback(env, watch->context, receiver, function, 2, args, NULL) != napi_ok) {
    report_exception(env);
  }
  napi_close_handle_scope(env, scope);
}

static void on_ready(uv_poll_t *uv, int status, int events);

// libuv stops a watch on POLLERR. For a socket of datagrams that is an error of an earlier one: take it off and go on; the
// reader sees an ordinary wake-up. An error that stays is one for good. A stream keeps its error, for who connects it.
static int events_after_error(poll_watch *watch) {
  int error, type;
  socklen_t size = sizeof error;
  socklen_t type_size = sizeof type;
  struct pollfd now = {.fd = watch->fd};
  if (getsockopt(watch->fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM) return EVENT_FAILED;
  if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && poll(&now, 1, 0) == 0 &&
      uv_poll_start(&watch->uv, watch->events, on_ready) == 0) {
    return watch->events;
  }
  return EVENT_FAILED;
}

static void on_ready(uv_poll_t *uv, int status, int events) {
  poll_watch *watch = uv->data;
  uint64_t count = 0;
  if (status < 0) {
    events = events_after_error(watch);
  } else if (watch->drain && read(watch->fd, &count, sizeof count) != sizeof count) {
    return;  // disarmed or drained meanwhile
  }
  call_back(watch, events, (double)count);
}

// On failure everything is undone; on success libuv owns the watch.
static int start(napi_env env, poll_watch *watch, int fd) {
  uv_loop_t *loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return EINVAL;
  watch->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (watch->fd < 0) return errno;
  int error = uv_poll_init(loop, &watch->uv, watch->fd);
  if (error != 0) {
    close(watch->fd);
    return -error;
  }
  watch->uv.data = watch;
  watch->owners = 1;
  return 0;
}

static bool attach(napi_env env, poll_watch *watch, napi_value callback) {
  napi_value name = make_text(env, "cloudbridge.poll");
  return name != NULL && napi_create_reference(env, callback, 1, &watch->callback) == napi_ok &&
         napi_async_init(env, NULL, name, &watch->context) == napi_ok &&
         napi_add_async_cleanup_hook(env, on_environment_end, watch, &watch->hook) == napi_ok;
}

static napi_value poll_open(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int fd;
  bool drain;
  if (!args_get(env, info, 3, args) || !arg_int(env, args[0], "descriptor", 0, INT32_MAX, &fd) ||
      !arg_bool(env, args[1], "drain", &drain) || !arg_function(env, args[2], "callback")) {
    return NULL;
  }
  poll_watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return throw_errno(env, ENOMEM, "poll");
  watch->env = env;
  watch->drain = drain;
  int error = start(env, watch, fd);
  if (error != 0) {
    free(watch);
    return throw_errno(env, error, "poll");
  }
  if (!attach(env, watch, args[2])) {
    begin_close(watch);
    return throw_code(env, "ERR_NATIVE", "the engine cannot watch a descriptor in this environment");
  }
  watch->owners++;
  return handle_new(env, watch, on_collected, &tag);
}

static napi_value poll_set(napi_env env, napi_callback_info info) {
  napi_value args[2];
  poll_watch *watch;
  int events;
  if (!args_get(env, info, 2, args) || (watch = arg_handle(env, args[0], "poll", &tag)) == NULL ||
      !arg_int(env, args[1], "events", 0, UV_READABLE | UV_WRITABLE, &events)) {
    return NULL;
  }
  if (watch->closing) return throw_code(env, "ERR_CLOSED", "the watch is closed");
  if (events == watch->events && uv_is_active((uv_handle_t *)&watch->uv)) return NULL;
  watch->events = events;
  int error = events == 0 ? uv_poll_stop(&watch->uv) : uv_poll_start(&watch->uv, events, on_ready);
  return error == 0 ? NULL : throw_errno(env, -error, "poll");
}

static napi_value poll_ref(napi_env env, napi_callback_info info) {
  napi_value args[2];
  poll_watch *watch;
  bool keeps_alive;
  if (!args_get(env, info, 2, args) || (watch = arg_handle(env, args[0], "poll", &tag)) == NULL ||
      !arg_bool(env, args[1], "keepsAlive", &keeps_alive) || watch->closing) {
    return NULL;
  }
  if (keeps_alive) {
    uv_ref((uv_handle_t *)&watch->uv);
  } else {
    uv_unref((uv_handle_t *)&watch->uv);
  }
  return NULL;
}

static napi_value poll_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  poll_watch *watch;
  if (!args_get(env, info, 1, args) || (watch = arg_handle(env, args[0], "poll", &tag)) == NULL) return NULL;
  begin_close(watch);
  return NULL;
}

NATIVE_FUNCTIONS(poll, {"pollOpen", poll_open}, {"pollSet", poll_set}, {"pollRef", poll_ref},
                 {"pollClose", poll_close});
