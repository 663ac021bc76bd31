// Priority inheritance by supervision. A real-time thread that waits for a lock which an ordinary thread holds waits until
// that one gets a core, behind whatever else the machine does; mutexes of Node and V8 hand no priority on. A thread here, of
// a higher priority still, looks whether the guarded one is overdue, and lends real-time priority to its helpers meanwhile.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "napi-util.h"

#define MOST_HELPERS 256
// It looks when the thread could be overdue, within these bounds: what is due may be brought forward meanwhile.
#define LEAST_LOOK_US 2000
#define MOST_LOOK_US 20000
// So late that it waits for something.
#define OVERDUE_US 4000
#define LENT_PRIORITY 1

typedef struct {
  pthread_t thread;
  bool is_open;
  _Atomic bool is_ending;
  _Atomic int64_t due_us;
  _Atomic int32_t lent;  // times
  int count;
  pid_t helpers[MOST_HELPERS];
  bool has_lent[MOST_HELPERS];
} guard;

static const napi_type_tag tag = {0x6b1f0c4e2d7a4f10, 0x9c53e1a0b7d24e31};

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

// One that is no ordinary thread, has ended, or may not be changed is left as it is.
static void lend(guard *self) {
  struct sched_param param = {.sched_priority = LENT_PRIORITY};
  for (int i = 0; i < self->count; i++) {
    pid_t helper = self->helpers[i];
    self->has_lent[i] = sched_getscheduler(helper) == SCHED_OTHER &&
                        sched_setscheduler(helper, SCHED_RR | SCHED_RESET_ON_FORK, &param) == 0;
  }
}

static void take_back(guard *self) {
  struct sched_param param = {.sched_priority = 0};
  for (int i = 0; i < self->count; i++) {
    if (self->has_lent[i]) sched_setscheduler(self->helpers[i], SCHED_OTHER, &param);
    self->has_lent[i] = false;
  }
}

static void sleep_us(int64_t us) {
  struct timespec time = {.tv_nsec = us * 1000};
  nanosleep(&time, NULL);
}

static void *run(void *data) {
  guard *self = data;
  pthread_setname_np(pthread_self(), "cb-guard");
  bool has_lent = false;
  int64_t look_us = LEAST_LOOK_US;
  while (!atomic_load(&self->is_ending)) {
    sleep_us(look_us);
    int64_t late_us = now_us() - atomic_load(&self->due_us);
    look_us = has_lent || late_us > OVERDUE_US - LEAST_LOOK_US ? LEAST_LOOK_US : OVERDUE_US - late_us;
    if (look_us > MOST_LOOK_US) look_us = MOST_LOOK_US;
    if (!has_lent && late_us > OVERDUE_US) {
      lend(self);
      atomic_fetch_add(&self->lent, 1);
      has_lent = true;
      look_us = LEAST_LOOK_US;
    } else if (has_lent && late_us < 0) {
      take_back(self);
      has_lent = false;
    }
  }
  if (has_lent) take_back(self);
  return NULL;
}

static void guard_shut(guard *self) {
  if (!self->is_open) return;
  self->is_open = false;
  atomic_store(&self->is_ending, true);
  pthread_join(self->thread, NULL);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  guard_shut(data);
  free(data);
}

// @returns an errno
static int start(guard *self, int priority) {
  struct sched_param param = {.sched_priority = priority};
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, SCHED_RR);
  pthread_attr_setschedparam(&attributes, &param);
  sigset_t all, before;
  sigfillset(&all);
  // Signals of the process are for threads that handle them.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&self->thread, &attributes, run, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

static napi_value guard_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  words_view helpers;
  int priority;
  if (!args_get(env, info, 2, args) || !arg_words(env, args[0], "helpers", &helpers) ||
      !arg_int(env, args[1], "priority", 1, 99, &priority)) {
    return NULL;
  }
  if (helpers.length > MOST_HELPERS) return throw_range(env, "helpers must be at most %d", MOST_HELPERS);
  for (size_t i = 0; i < helpers.length; i++) {
    // 0 would be the guard itself.
    if (helpers.data[i] < 1) return throw_range(env, "helpers must be numbers of threads");
  }
  guard *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_errno(env, ENOMEM, "guard");
  self->count = (int)helpers.length;
  for (int i = 0; i < self->count; i++) self->helpers[i] = helpers.data[i];
  atomic_store(&self->due_us, INT64_MAX);
  int error = start(self, priority);
  if (error != 0) {
    free(self);
    return throw_errno(env, error, "a real-time thread");
  }
  self->is_open = true;
  return handle_new(env, self, on_collected, &tag);
}

static napi_value guard_due(napi_env env, napi_callback_info info) {
  napi_value args[2];
  guard *self;
  double when_us;
  if (!args_get(env, info, 2, args) || (self = arg_handle(env, args[0], "guard", &tag)) == NULL ||
      !arg_double(env, args[1], "whenUs", 0, HUGE_VAL, &when_us)) {
    return NULL;
  }
  if (!self->is_open) return throw_code(env, "ERR_CLOSED", "the guard is closed");
  atomic_store(&self->due_us, when_us > 9e15 ? INT64_MAX : (int64_t)when_us);
  return make_int(env, atomic_load(&self->lent));
}

static napi_value guard_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  guard *self;
  if (!args_get(env, info, 1, args) || (self = arg_handle(env, args[0], "guard", &tag)) == NULL) return NULL;
  guard_shut(self);
  return NULL;
}

NATIVE_FUNCTIONS(guard, {"guardOpen", guard_open}, {"guardDue", guard_due}, {"guardClose", guard_close});
