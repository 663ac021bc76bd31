// Wake-ups between threads by eventfd. A doorbell is known by a number that any thread may ring. The eventfds are kept
// in a pool that only grows, so a number that came too late can never reach a descriptor of something else.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "napi-util.h"

#define MAX_DOORBELLS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int eventfds[MAX_DOORBELLS];
static bool taken[MAX_DOORBELLS];
// Only grows; an eventfd is written before the count that covers it.
static atomic_int made;

// Call with the lock held. @returns a number, or -errno
static int take(void) {
  int count = atomic_load_explicit(&made, memory_order_relaxed);
  for (int i = 0; i < count; i++) {
    if (taken[i]) continue;
    eventfd_t left_over;
    (void)!eventfd_read(eventfds[i], &left_over);
    taken[i] = true;
    return i;
  }
  if (count == MAX_DOORBELLS) return -EMFILE;
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return -errno;
  eventfds[count] = fd;
  taken[count] = true;
  atomic_store_explicit(&made, count + 1, memory_order_release);
  return count;
}

static bool arg_doorbell(napi_env env, napi_callback_info info, int *bell) {
  napi_value args[1];
  int count = atomic_load_explicit(&made, memory_order_acquire);
  return args_get(env, info, 1, args) && arg_int(env, args[0], "doorbell", 0, count - 1, bell);
}

static napi_value doorbell_open(napi_env env, napi_callback_info info) {
  (void)info;
  pthread_mutex_lock(&lock);
  int bell = take();
  pthread_mutex_unlock(&lock);
  return bell < 0 ? throw_errno(env, -bell, "eventfd") : make_int(env, bell);
}

static napi_value doorbell_descriptor(napi_env env, napi_callback_info info) {
  int bell;
  return arg_doorbell(env, info, &bell) ? make_int(env, eventfds[bell]) : NULL;
}

static napi_value doorbell_ring(napi_env env, napi_callback_info info) {
  int bell;
  // EAGAIN means that 2^64-2 rings are waiting already: as good as rung.
  if (arg_doorbell(env, info, &bell)) (void)!eventfd_write(eventfds[bell], 1);
  return NULL;
}

static napi_value doorbell_close(napi_env env, napi_callback_info info) {
  int bell;
  if (!arg_doorbell(env, info, &bell)) return NULL;
  pthread_mutex_lock(&lock);
  taken[bell] = false;
  pthread_mutex_unlock(&lock);
  return NULL;
}

NATIVE_FUNCTIONS(doorbell, {"doorbellOpen", doorbell_open}, {"doorbellDescriptor", doorbell_descriptor},
                 {"doorbellRing", doorbell_ring}, {"doorbellClose", doorbell_close});
