// One deadline on CLOCK_MONOTONIC by timerfd; poll.c with `drain` tells when it has passed.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "napi-util.h"

typedef struct {
  int fd;
} timer;

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e02};

static void timer_shut(timer *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  timer_shut(data);
  free(data);
}

static timer *open_timer(napi_env env, napi_value value) {
  timer *self = arg_handle(env, value, "timer", &tag);
  if (self == NULL || self->fd >= 0) return self;
  throw_code(env, "ERR_CLOSED", "the timer is closed");
  return NULL;
}

static napi_value timer_open(napi_env env, napi_callback_info info) {
  (void)info;
  timer *self = malloc(sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "timerfd");
  self->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->fd < 0) {
    int error = errno;
    free(self);
    return throw_errno(env, error, "timerfd");
  }
  return handle_new(env, self, on_collected, &tag);
}

static napi_value timer_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  timer *self;
  if (!args_get(env, info, 1, args) || (self = open_timer(env, args[0])) == NULL) return NULL;
  return make_int(env, self->fd);
}

// All zero disarms, so a deadline at or before the clock's start becomes its first nanosecond.
static struct timespec deadline(double when_us) {
  struct timespec time = {0, 0};
  if (isinf(when_us) && when_us > 0) return time;
  if (when_us < 0.001) {
    time.tv_nsec = 1;
    return time;
  }
  double seconds = floor(when_us / 1e6);
  time.tv_sec = (time_t)seconds;
  time.tv_nsec = (long)((when_us - seconds * 1e6) * 1e3);
  if (time.tv_nsec > 999999999) time.tv_nsec = 999999999;
  return time;
}

static napi_value timer_arm(napi_env env, napi_callback_info info) {
  napi_value args[2];
  timer *self;
  double when_us;
  if (!args_get(env, info, 2, args) || (self = open_timer(env, args[0])) == NULL ||
      !arg_double(env, args[1], "whenUs", -HUGE_VAL, HUGE_VAL, &when_us)) {
    return NULL;
  }
  // A year 285,000 is far enough; above it the conversion would overflow.
  if (when_us > 9e18 && !isinf(when_us)) when_us = HUGE_VAL;
  struct itimerspec spec = {.it_value = deadline(when_us)};
  if (timerfd_settime(self->fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0) return throw_errno(env, errno, "timerfd");
  return NULL;
}

static napi_value timer_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  timer *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "timer", &tag)) == NULL) return NULL;
  timer_shut(self);
  return NULL;
}

NATIVE_FUNCTIONS(timer, {"timerOpen", timer_open}, {"timerDescriptor", timer_descriptor}, {"timerArm", timer_arm},
                 {"timerClose", timer_close});
