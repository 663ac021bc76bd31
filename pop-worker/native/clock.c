// Clocks as microseconds in a double, whose 53 bits are still finer than a nanosecond after a hundred days.
#include <time.h>

#include "napi-util.h"

static napi_value clock_us(napi_env env, clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return make_double(env, (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3);
}

static napi_value now_us(napi_env env, napi_callback_info info) {
  (void)info;
  return clock_us(env, CLOCK_MONOTONIC);
}

static napi_value boot_us(napi_env env, napi_callback_info info) {
  (void)info;
  return clock_us(env, CLOCK_BOOTTIME);
}

static napi_value thread_cpu_us(napi_env env, napi_callback_info info) {
  (void)info;
  return clock_us(env, CLOCK_THREAD_CPUTIME_ID);
}

// How often the kernel's own count of time goes on: what its coarse clock resolves.
static napi_value tick_us(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec tick;
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return make_double(env, (double)tick.tv_nsec / 1e3);
}

NATIVE_FUNCTIONS(clock, {"nowUs", now_us}, {"bootUs", boot_us}, {"threadCpuUs", thread_cpu_us}, {"tickUs", tick_us});
