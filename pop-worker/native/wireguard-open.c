// TransportPort.open of protocol/wireguard/ports.ts: transport messages opened where they lie, a batch a call.
#include "wireguard.h"

// ports.ts: words of a job.
#define JOB_WORDS 6
#define J_KEY 0
#define J_OFFSET 1
#define J_LENGTH 2
#define J_COUNTER_LOW 3
#define J_COUNTER_HIGH 4
#define J_OUTCOME 5
#define HEADER_BYTES 16

static bool check(napi_env env, const wireguard_keys *keys, const bytes_view *buffer, const uint32_t *job, int index) {
  uint64_t end = (uint64_t)job[J_OFFSET] + HEADER_BYTES + job[J_LENGTH] + CHACHA_TAG_BYTES;
  if (end > buffer->length) {
    throw_range(env, "message %d ends behind its buffer", index);
    return false;
  }
  if (wireguard_key(keys, job[J_KEY]) != NULL) return true;
  throw_range(env, "message %d is of a key that there is not", index);
  return false;
}

// (keys, buffer, jobs, count)
static napi_value open_jobs(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  wireguard_keys *keys;
  bytes_view buffer;
  unsigned_view jobs;
  int count;
  if (!args_get(env, info, 4, arguments) || (keys = arg_wireguard_keys(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "buffer", &buffer) || !arg_unsigned(env, arguments[2], "jobs", &jobs) ||
      !arg_int(env, arguments[3], "count", 0, INT32_MAX, &count)) {
    return NULL;
  }
  if ((size_t)count > jobs.length / JOB_WORDS) return throw_range(env, "count is more than the jobs given");
  for (int i = 0; i < count; i++) {
    if (!check(env, keys, &buffer, jobs.data + (size_t)i * JOB_WORDS, i)) return NULL;
  }
  for (int i = 0; i < count; i++) {
    uint32_t *job = jobs.data + (size_t)i * JOB_WORDS;
    // Once more, for shared memory may have changed meanwhile.
    uint32_t copy[JOB_WORDS];
    for (int word = 0; word < JOB_WORDS; word++) copy[word] = job[word];
    if (!check(env, keys, &buffer, copy, i)) return NULL;
    uint64_t counter = (uint64_t)copy[J_COUNTER_HIGH] << 32 | copy[J_COUNTER_LOW];
    job[J_OUTCOME] = chacha_open(wireguard_key(keys, copy[J_KEY]), counter, NULL, 0,
                                 buffer.data + copy[J_OFFSET] + HEADER_BYTES, copy[J_LENGTH], keys->direct);
  }
  return NULL;
}

NATIVE_FUNCTIONS(wireguard_open, {"wireguardOpen", open_jobs});
