// Handshakes by threads of their own, so that a flood of them does not stall whoever owns the connections. Each thread with
// connections has a desk. It hands a session over with new bytes and leaves it alone until the desk gives it back; what
// comes meanwhile is kept beside it. So a session is touched by one thread at a time and needs no lock: the one lock
// guards the queues and what stands in the session under "guarded".
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tls.h"

#define MAX_THREADS 64
// Nice value on top of the process's: where cores are few, datagrams go first.
#define NICENESS 5
// Words that tlsDeskTake writes for a session: id, what it is about, microseconds waited and worked.
#define TAKEN_WORDS 4

enum { TAKEN_DONE, TAKEN_ASKS };

struct tls_desk {
  int event_fd;
  size_t references;  // the JavaScript handle, sessions that are away, a thread that rings
  bool rung, closed;
  tls_session *done, **done_end;
};

typedef struct {
  tls_session *first, **end;
} session_queue;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t work, answers;
  // Whose client has been heard before goes first: it ends a handshake, the others begin one.
  session_queue begun, fresh;
  size_t waiting, sleeping, threads;
  pthread_t ids[MAX_THREADS];
  bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .answers = PTHREAD_COND_INITIALIZER};

static const napi_type_tag desk_tag = {0x4d1c7a90be35f268, 0x93e0a5f417cd6b82};

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void lock(void) { pthread_mutex_lock(&pool.lock); }
static void unlock(void) { pthread_mutex_unlock(&pool.lock); }

static void push(session_queue *queue, tls_session *session) {
  if (queue->first == NULL) queue->end = &queue->first;
  session->away.next = NULL;
  *queue->end = session;
  queue->end = &session->away.next;
}

static tls_session *pop(session_queue *queue) {
  tls_session *session = queue->first;
  if (session != NULL) queue->first = session->away.next;
  return session;
}

// Under the lock.
static void desk_release(tls_desk *desk) {
  if (--desk->references > 0) return;
  close(desk->event_fd);
  free(desk);
}

// Under the lock, which is let go meanwhile: waking a thread that sleeps takes long.
static void give_back(tls_session *session, int what) {
  tls_desk *desk = session->away.desk;
  session->away.what = what;
  // Nobody has looked at what it asked before.
  if (session->away.is_done) return;
  session->away.next = NULL;
  *desk->done_end = session;
  desk->done_end = &session->away.next;
  session->away.is_done = true;
  if (desk->rung || desk->closed) return;
  desk->rung = true;
  desk->references++;
  unlock();
  eventfd_write(desk->event_fd, 1);
  lock();
  desk_release(desk);
}

// Under the lock. The environment that it was handed over from is gone.
static void bury(tls_session *session) {
  desk_release(session->away.desk);
  session->away.desk = NULL;
  session_destroy(session);
}

int desk_ask(tls_session *session) {
  lock();
  session->away.verdict = session->away.unwanted ? 0 : -1;
  if (session->away.verdict < 0) give_back(session, TAKEN_ASKS);
  while (session->away.verdict < 0 && !pool.stopping) pthread_cond_wait(&pool.answers, &pool.lock);
  bool accept = session->away.verdict == 1;
  unlock();
  return accept;
}

static tls_session *next_session(void) {
  tls_session *session = pop(&pool.begun);
  return session == NULL ? pop(&pool.fresh) : session;
}

static void prepare_thread(size_t index) {
  char name[16];
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  snprintf(name, sizeof name, "cb-tls-%zu", index);
  pthread_setname_np(pthread_self(), name);
  // Of this thread alone (nice(2), "C library/kernel differences"); without it the thread only is less polite.
  errno = 0;
  if (nice(NICENESS) == -1 && errno != 0) return;
}

static void run(tls_session *session) {
  int64_t start = now_us();
  session->away.waited_us = start - session->away.since_us;
  session->env = NULL;
  quic_advance(session);
  session->away.worked_us = now_us() - start;
}

static void *work(void *argument) {
  prepare_thread((size_t)argument);
  lock();
  while (!pool.stopping) {
    tls_session *session = next_session();
    if (session == NULL) {
      pool.sleeping++;
      pthread_cond_wait(&pool.work, &pool.lock);
      pool.sleeping--;
      continue;
    }
    pool.waiting--;
    if (!session->away.unwanted) {
      unlock();
      run(session);
      lock();
    }
    if (session->away.buried) {
      bury(session);
    } else {
      give_back(session, TAKEN_DONE);
    }
  }
  unlock();
  return NULL;
}

// OpenSSL's own clean-up at the end of the process must not find a thread in the middle of a handshake.
static void stop_threads(void) {
  lock();
  pool.stopping = true;
  pthread_cond_broadcast(&pool.work);
  pthread_cond_broadcast(&pool.answers);
  unlock();
  for (size_t i = 0; i < pool.threads; i++) pthread_join(pool.ids[i], NULL);
}

// There are as many as the desk that wants most of them asked for. @returns 0 or an errno
static int start_threads(size_t wanted) {
  int error = 0;
  lock();
  if (pool.threads == 0 && wanted > 0) atexit(stop_threads);
  while (error == 0 && pool.threads < wanted) {
    error = pthread_create(&pool.ids[pool.threads], NULL, work, (void *)pool.threads);
    if (error == 0) pool.threads++;
  }
  unlock();
  return error;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  tls_desk *desk = data;
  lock();
  desk->closed = true;
  desk_release(desk);
  unlock();
}

// (threads) => desk
static napi_value desk_open(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int32_t threads;
  if (!args_get(env, info, 1, arguments) || !arg_int(env, arguments[0], "threads", 1, MAX_THREADS, &threads)) {
    return NULL;
  }
  tls_desk *desk = calloc(1, sizeof *desk);
  if (desk == NULL) return throw_errno(env, ENOMEM, "handshake threads");
  desk->references = 1;
  desk->done_end = &desk->done;
  desk->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int error = desk->event_fd < 0 ? errno : start_threads((size_t)threads);
  if (error == 0) return handle_new(env, desk, on_collected, &desk_tag);
  if (desk->event_fd >= 0) close(desk->event_fd);
  free(desk);
  return throw_errno(env, error, "handshake threads");
}

static tls_desk *arg_desk(napi_env env, napi_value value) { return arg_handle(env, value, "desk", &desk_tag); }

static napi_value desk_descriptor(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  tls_desk *desk;
  if (!args_get(env, info, 1, arguments) || (desk = arg_desk(env, arguments[0])) == NULL) return NULL;
  return make_int(env, desk->event_fd);
}

// (desk): nothing is handed over any more, and nobody is rung for
static napi_value desk_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  tls_desk *desk;
  if (!args_get(env, info, 1, arguments) || (desk = arg_desk(env, arguments[0])) == NULL) return NULL;
  lock();
  desk->closed = true;
  unlock();
  return NULL;
}

// () => sessions of all desks that wait for a thread
static napi_value desk_waiting(napi_env env, napi_callback_info info) {
  (void)info;
  lock();
  size_t waiting = pool.waiting;
  unlock();
  return make_int(env, (int32_t)waiting);
}

void desk_hand_over(tls_session *session) {
  bool fresh = !session->away.known;
  session->away.known = true;
  session->is_away = true;
  session->away.is_done = false;
  session->away.since_us = now_us();
  session->away.verdict = 0;
  lock();
  session->away.desk->references++;
  push(fresh ? &pool.fresh : &pool.begun, session);
  pool.waiting++;
  bool wake = pool.sleeping > 0;
  if (wake) pthread_cond_signal(&pool.work);
  unlock();
}

bool desk_set(napi_env env, tls_session *session, napi_value value, int32_t id) {
  tls_desk *desk = arg_desk(env, value);
  if (desk == NULL) return false;
  if (desk->closed) {
    throw_code(env, "ERR_CLOSED", "the handshake threads are no longer at work for this thread");
    return false;
  }
  session->away.desk = desk;
  session->away.id = id;
  return true;
}

static int32_t saturated(int64_t value) { return value > INT32_MAX ? INT32_MAX : (int32_t)value; }

// (desk, words) => sessions that are back, or ask: so many times TAKEN_WORDS words
static napi_value desk_take(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  tls_desk *desk;
  words_view words;
  if (!args_get(env, info, 2, arguments) || (desk = arg_desk(env, arguments[0])) == NULL ||
      !arg_words(env, arguments[1], "words", &words)) {
    return NULL;
  }
  size_t count = 0;
  lock();
  desk->rung = false;
  while (desk->done != NULL && (count + 1) * TAKEN_WORDS <= words.length) {
    tls_session *session = desk->done;
    desk->done = session->away.next;
    if (desk->done == NULL) desk->done_end = &desk->done;
    session->away.is_done = false;
    int32_t *at = words.data + count++ * TAKEN_WORDS;
    at[0] = session->away.id;
    at[1] = session->away.what;
    at[2] = saturated(session->away.waited_us);
    at[3] = saturated(session->away.worked_us);
    if (session->away.what == TAKEN_DONE) {
      session->is_away = false;
      // The handle has one too.
      desk->references--;
    }
  }
  unlock();
  return make_int(env, (int32_t)count);
}

bool desk_asks(tls_session *session) {
  if (!session->is_away) return false;
  lock();
  bool asks = session->away.verdict < 0;
  unlock();
  return asks;
}

void desk_answer(tls_session *session, bool accept) {
  lock();
  session->away.verdict = accept && !session->away.unwanted;
  pthread_cond_broadcast(&pool.answers);
  unlock();
}

void desk_unwanted(tls_session *session) {
  lock();
  session->away.unwanted = true;
  session->away.verdict = 0;
  pthread_cond_broadcast(&pool.answers);
  unlock();
}

static void unlink_done(tls_desk *desk, tls_session *session) {
  tls_session **at = &desk->done;
  while (*at != session) at = &(*at)->away.next;
  *at = session->away.next;
  if (*at == NULL) desk->done_end = at;
  session->away.is_done = false;
}

bool desk_keeps(tls_session *session) {
  if (!session->is_away) return false;
  lock();
  tls_desk *desk = session->away.desk;
  bool ready = session->away.is_done && session->away.what == TAKEN_DONE;
  if (session->away.is_done) unlink_done(desk, session);
  session->away.unwanted = true;
  session->away.buried = !ready;
  session->away.verdict = 0;
  pthread_cond_broadcast(&pool.answers);
  if (ready) desk_release(desk);
  unlock();
  return !ready;
}

NATIVE_FUNCTIONS(tls_desk, {"tlsDeskOpen", desk_open}, {"tlsDeskDescriptor", desk_descriptor},
                 {"tlsDeskTake", desk_take}, {"tlsDeskWaiting", desk_waiting}, {"tlsDeskClose", desk_close});
