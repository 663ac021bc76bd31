// AES-128 in ECB mode, a block a call, in place: connection IDs (draft-ietf-quic-load-balancers §5.4).
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "napi-util.h"

#define BLOCK_BYTES 16

typedef struct {
  EVP_CIPHER_CTX *encrypt, *decrypt;
} block_cipher;

static const napi_type_tag cipher_tag = {0x6a1f3b0c9e7d4482, 0xb59e02d7c4186af3};

static void cipher_free(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  block_cipher *self = data;
  EVP_CIPHER_CTX_free(self->encrypt);  // OpenSSL cleanses the key schedule
  EVP_CIPHER_CTX_free(self->decrypt);
  free(self);
}

static EVP_CIPHER_CTX *context_new(const EVP_CIPHER *cipher, const uint8_t *key, int encrypt) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context != NULL && EVP_CipherInit_ex2(context, cipher, key, NULL, encrypt, NULL) &&
      EVP_CIPHER_CTX_set_padding(context, 0)) {
    return context;
  }
  EVP_CIPHER_CTX_free(context);
  return NULL;
}

// (key) => cipher
static napi_value cipher_new(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  bytes_view key;
  if (!args_get(env, info, 1, arguments) || !arg_bytes(env, arguments[0], "key", &key)) return NULL;
  if (key.length != BLOCK_BYTES) return throw_range(env, "key must have %d bytes", BLOCK_BYTES);
  block_cipher *self = calloc(1, sizeof *self);
  if (self == NULL) return throw_code(env, "ERR_NATIVE", "no memory for a cipher");
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
  self->encrypt = context_new(cipher, key.data, 1);
  self->decrypt = context_new(cipher, key.data, 0);
  EVP_CIPHER_free(cipher);
  if (self->encrypt != NULL && self->decrypt != NULL) return handle_new(env, self, cipher_free, &cipher_tag);
  cipher_free(env, self, NULL);
  return throw_code(env, "ERR_NATIVE", "OpenSSL cannot set up AES-128");
}

static napi_value run(napi_env env, napi_callback_info info, bool encrypt) {
  napi_value arguments[3];
  block_cipher *self;
  bytes_view buffer;
  int at, written;
  if (!args_get(env, info, 3, arguments) ||
      (self = arg_handle(env, arguments[0], "cipher", &cipher_tag)) == NULL ||
      !arg_bytes(env, arguments[1], "buffer", &buffer) || !arg_int(env, arguments[2], "at", 0, INT32_MAX, &at)) {
    return NULL;
  }
  if ((size_t)at + BLOCK_BYTES > buffer.length) return throw_range(env, "the block must lie within the buffer");
  uint8_t *block = buffer.data + at;
  if (EVP_CipherUpdate(encrypt ? self->encrypt : self->decrypt, block, &written, block, BLOCK_BYTES)) return NULL;
  return throw_code(env, "ERR_NATIVE", "OpenSSL cannot run AES-128");
}

// (cipher, buffer, at)
static napi_value cipher_encrypt(napi_env env, napi_callback_info info) { return run(env, info, true); }

static napi_value cipher_decrypt(napi_env env, napi_callback_info info) { return run(env, info, false); }

NATIVE_FUNCTIONS(block_cipher, {"blockCipherNew", cipher_new}, {"blockCipherEncrypt", cipher_encrypt},
                 {"blockCipherDecrypt", cipher_decrypt});
