// OpenSSL for TLS: a library context of its own, in which TLS 1.3's key schedule is derived by suite.c. OpenSSL's own
// derivation fetches a digest and a MAC by name for each of the forty secrets of a handshake, which takes longer than the
// hashing. All else in the context is OpenSSL's default provider.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#include "tls.h"

// What tls13_enc.c of OpenSSL asks for. `salt` NULL: there is no earlier secret; `key` NULL: nothing new comes in.
typedef struct {
  int mode;
  const cipher_suite *suite;
  bytes_view key, salt, prefix, label, data;
} kdf_order;

static bytes_view octets(const OSSL_PARAM *from) { return (bytes_view){.data = from->data, .length = from->data_size}; }

static void read_parameter(kdf_order *order, const OSSL_PARAM *from) {
  if (strcmp(from->key, OSSL_KDF_PARAM_MODE) == 0) OSSL_PARAM_get_int(from, &order->mode);
  if (strcmp(from->key, OSSL_KDF_PARAM_DIGEST) == 0) order->suite = suite_of_hash(from->data);
  if (strcmp(from->key, OSSL_KDF_PARAM_KEY) == 0) order->key = octets(from);
  if (strcmp(from->key, OSSL_KDF_PARAM_SALT) == 0) order->salt = octets(from);
  if (strcmp(from->key, OSSL_KDF_PARAM_PREFIX) == 0) order->prefix = octets(from);
  if (strcmp(from->key, OSSL_KDF_PARAM_LABEL) == 0) order->label = octets(from);
  if (strcmp(from->key, OSSL_KDF_PARAM_DATA) == 0) order->data = octets(from);
}

// RFC 8446 §7.1: from one stage of the key schedule to the next; what is missing is zeros.
static bool next_stage(const kdf_order *order, uint8_t *out) {
  static const uint8_t zeros[MAX_SECRET_BYTES];
  const cipher_suite *suite = order->suite;
  size_t hash_bytes = suite->secret_bytes;
  uint8_t nothing[MAX_SECRET_BYTES], derived[MAX_SECRET_BYTES] = {0};
  bool done = true;
  if (order->salt.data != NULL) {
    done = order->salt.length == hash_bytes && EVP_Digest("", 0, nothing, NULL, suite->hash, NULL) &&
           hkdf_expand_label(suite, order->salt.data, (const char *)order->label.data, order->label.length, nothing,
                             hash_bytes, derived, hash_bytes);
  }
  bytes_view input = order->key.data == NULL ? (bytes_view){(uint8_t *)zeros, hash_bytes} : order->key;
  done = done && hmac_sum(suite, derived, hash_bytes, input.data, input.length, out);
  OPENSSL_cleanse(derived, sizeof derived);
  return done;
}

static int kdf_derive(void *context, unsigned char *out, size_t out_bytes, const OSSL_PARAM parameters[]) {
  (void)context;
  static const char prefix[] = "tls13 ";
  kdf_order order = {.mode = -1};
  for (const OSSL_PARAM *at = parameters; at != NULL && at->key != NULL; at++) read_parameter(&order, at);
  // suite.c knows this prefix alone.
  if (order.suite == NULL || order.prefix.length != sizeof prefix - 1 ||
      memcmp(order.prefix.data, prefix, sizeof prefix - 1) != 0) {
    return 0;
  }
  if (order.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
    return out_bytes == order.suite->secret_bytes && next_stage(&order, out);
  }
  return order.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY && order.key.length == order.suite->secret_bytes &&
         hkdf_expand_label(order.suite, order.key.data, (const char *)order.label.data, order.label.length,
                           order.data.data, order.data.length, out, out_bytes);
}

// All that a derivation needs comes with it, so contexts hold nothing.
static void *kdf_new(void *provider) { return provider; }
static void kdf_free(void *context) { (void)context; }

static const OSSL_DISPATCH kdf_functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))kdf_new},
    {OSSL_FUNC_KDF_FREECTX, (void (*)(void))kdf_free},
    {OSSL_FUNC_KDF_DERIVE, (void (*)(void))kdf_derive},
    {0, NULL},
};

static const OSSL_ALGORITHM *query_operation(void *provider, int operation, int *no_cache) {
  static const OSSL_ALGORITHM kdfs[] = {
      {OSSL_KDF_NAME_TLS1_3_KDF, "provider=cloudbridge", kdf_functions, "TLS 1.3 key schedule"},
      {NULL, NULL, NULL, NULL},
  };
  (void)provider;
  *no_cache = 0;
  return operation == OSSL_OP_KDF ? kdfs : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **out,
                         void **provider) {
  static const OSSL_DISPATCH functions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
      {0, NULL},
  };
  (void)core;
  *provider = (void *)handle;
  *out = functions;
  return 1;
}

static OSSL_LIB_CTX *library;

static void open_library(void) {
  library = OSSL_LIB_CTX_new();
  // suite_find sees to it that there are digests.
  bool done = library != NULL && suite_find(0x1301) != NULL && OSSL_PROVIDER_load(library, "default") != NULL &&
              OSSL_PROVIDER_add_builtin(library, "cloudbridge", provider_init) &&
              OSSL_PROVIDER_load(library, "cloudbridge") != NULL &&
              EVP_set_default_properties(library, "?provider=cloudbridge");
  if (done) return;
  OSSL_LIB_CTX_free(library);
  library = NULL;
}

OSSL_LIB_CTX *tls_library(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_library);
  return library;
}
