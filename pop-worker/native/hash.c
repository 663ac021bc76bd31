// Plain hashes into memory of the caller's, for protocols that name them. Nothing here is for secrets of ours: MD5 and SHA1
// are what RFC 5880 and TCP's neighbours of old have.
#include <openssl/evp.h>
#include <pthread.h>

#include "napi-util.h"

// host/hash/native.ts: HashKind.
static const char *const names[] = {"MD5", "SHA1"};
#define KINDS (sizeof names / sizeof names[0])

static EVP_MD *kinds[KINDS];

// Once a process and never freed: fetching takes longer than hashing a packet.
static void fetch_all(void) {
  for (size_t i = 0; i < KINDS; i++) kinds[i] = EVP_MD_fetch(NULL, names[i], NULL);
}

// (kind, bytes, at, length, into, intoAt)
static napi_value hash_digest(napi_env env, napi_callback_info info) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  napi_value args[6];
  int kind, at, length, into_at;
  bytes_view bytes, into;
  if (!args_get(env, info, 6, args) || !arg_int(env, args[0], "kind", 0, KINDS - 1, &kind) ||
      !arg_bytes(env, args[1], "bytes", &bytes) || !arg_int(env, args[2], "at", 0, INT32_MAX, &at) ||
      !arg_int(env, args[3], "length", 0, INT32_MAX, &length) || !arg_bytes(env, args[4], "into", &into) ||
      !arg_int(env, args[5], "intoAt", 0, INT32_MAX, &into_at)) {
    return NULL;
  }
  pthread_once(&once, fetch_all);
  if (kinds[kind] == NULL) return throw_code(env, "ERR_NATIVE", "OpenSSL has no such hash here");
  if ((size_t)at + (size_t)length > bytes.length) return throw_range(env, "at and length must lie within bytes");
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_bytes;
  if (!EVP_Digest(bytes.data + at, (size_t)length, digest, &digest_bytes, kinds[kind], NULL)) {
    return throw_code(env, "ERR_NATIVE", "OpenSSL cannot hash");
  }
  if ((size_t)into_at + digest_bytes > into.length) return throw_range(env, "into must have %u bytes from intoAt", digest_bytes);
  for (unsigned i = 0; i < digest_bytes; i++) into.data[(size_t)into_at + i] = digest[i];
  return NULL;
}

NATIVE_FUNCTIONS(hash, {"hashDigest", hash_digest});
