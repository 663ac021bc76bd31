// What CryptoPort needs besides packets: Initial secrets, Retry integrity, reset tokens, sealed tokens.
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "napi-util.h"
#include "suite.h"

#define AES_128_GCM 0x1301
#define AES_256_GCM 0x1302
#define TOKEN_KEY_BYTES 32
#define MAX_LABEL_BYTES 249  // 255 less "tls13 "

static napi_value new_bytes(napi_env env, size_t bytes, uint8_t **data) {
  napi_value memory, view;
  if (napi_create_arraybuffer(env, bytes, (void **)data, &memory) == napi_ok &&
      napi_create_typedarray(env, napi_uint8_array, bytes, memory, 0, &view) == napi_ok) {
    return view;
  }
  return throw_code(env, "ERR_NATIVE", "no memory for the result");
}

static napi_value failed(napi_env env, const char *what) { return throw_code(env, "ERR_NATIVE", what); }

static bool arg_out(napi_env env, napi_value value, size_t bytes, bytes_view *out) {
  if (!arg_bytes(env, value, "out", out)) return false;
  if (out->length >= bytes) return true;
  throw_range(env, "out must have at least %zu bytes", bytes);
  return false;
}

static bool arg_version(napi_env env, napi_value value, const quic_version **version) {
  double number;
  if (!arg_double(env, value, "version", 0, UINT32_MAX, &number)) return false;
  *version = version_find((uint32_t)number);
  if (*version == NULL) throw_range(env, "QUIC version 0x%08x is not known", (uint32_t)number);
  return *version != NULL;
}

// (version, destinationCid, out): client's secret and server's, 32 bytes each (RFC 9001 §5.2)
static napi_value initial_secrets(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  const quic_version *version;
  bytes_view cid, out;
  uint8_t initial[MAX_SECRET_BYTES];
  if (!args_get(env, info, 3, arguments) || !arg_version(env, arguments[0], &version) ||
      !arg_bytes(env, arguments[1], "destinationCid", &cid) || !arg_out(env, arguments[2], 64, &out)) {
    return NULL;
  }
  const cipher_suite *suite = suite_find(AES_128_GCM);
  bool done = suite != NULL &&
              hmac_sum(suite, version->initial_salt, sizeof version->initial_salt, cid.data, cid.length, initial) &&
              hkdf_expand_label(suite, initial, "client in", 9, NULL, 0, out.data, 32) &&
              hkdf_expand_label(suite, initial, "server in", 9, NULL, 0, out.data + 32, 32);
  OPENSSL_cleanse(initial, sizeof initial);
  return done ? NULL : failed(env, "OpenSSL cannot derive Initial secrets");
}

// (version, pseudoPacket, out): 16 bytes (RFC 9001 §5.8)
static napi_value retry_tag(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  const quic_version *version;
  bytes_view packet, out;
  int written;
  if (!args_get(env, info, 3, arguments) || !arg_version(env, arguments[0], &version) ||
      !arg_bytes(env, arguments[1], "pseudoPacket", &packet) || !arg_out(env, arguments[2], AEAD_TAG_BYTES, &out)) {
    return NULL;
  }
  if (packet.length > UINT16_MAX) return throw_range(env, "pseudoPacket must have at most 65535 bytes");
  const cipher_suite *suite = suite_find(AES_128_GCM);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  uint8_t nothing[AEAD_TAG_BYTES];
  bool done = suite != NULL && context != NULL &&
              EVP_EncryptInit_ex2(context, suite->aead, version->retry_key, version->retry_nonce, NULL) &&
              EVP_EncryptUpdate(context, NULL, &written, packet.data, (int)packet.length) &&
              EVP_EncryptFinal_ex(context, nothing, &written) &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, out.data);
  EVP_CIPHER_CTX_free(context);
  return done ? NULL : failed(env, "OpenSSL cannot compute a Retry tag");
}

// (key, cid, out): 16 bytes of HMAC-SHA256 (RFC 9000 §10.3.2)
static napi_value reset_token(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  bytes_view key, cid, out;
  uint8_t sum[MAX_SECRET_BYTES];
  if (!args_get(env, info, 3, arguments) || !arg_bytes(env, arguments[0], "key", &key) ||
      !arg_bytes(env, arguments[1], "cid", &cid) || !arg_out(env, arguments[2], 16, &out)) {
    return NULL;
  }
  if (key.length < 16) return throw_range(env, "key must have at least 16 bytes");
  const cipher_suite *suite = suite_find(AES_128_GCM);
  if (suite == NULL || !hmac_sum(suite, key.data, key.length, cid.data, cid.length, sum)) {
    return failed(env, "OpenSSL cannot compute a reset token");
  }
  memcpy(out.data, sum, 16);
  OPENSSL_cleanse(sum, sizeof sum);
  return NULL;
}

// A token on the wire: nonce (12) | AES-256-GCM ciphertext | tag (16).
static bool token_crypt(const uint8_t *key, const uint8_t *nonce, const bytes_view *associated, const uint8_t *from,
                        uint8_t *to, size_t bytes, uint8_t *tag, bool seal) {
  const cipher_suite *suite = suite_find(AES_256_GCM);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  uint8_t nothing[AEAD_TAG_BYTES];
  int written;
  bool done =
      suite != NULL && context != NULL && EVP_CipherInit_ex2(context, suite->aead, key, nonce, seal, NULL) &&
      (seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag)) &&
      (associated->length == 0 ||
       EVP_CipherUpdate(context, NULL, &written, associated->data, (int)associated->length)) &&
      (bytes == 0 || EVP_CipherUpdate(context, to, &written, from, (int)bytes)) &&
      EVP_CipherFinal_ex(context, nothing, &written) > 0 &&
      (!seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, tag));
  EVP_CIPHER_CTX_free(context);
  return done;
}

static bool token_arguments(napi_env env, const napi_value *arguments, const char *name, bytes_view *key,
                            bytes_view *body, bytes_view *associated) {
  if (!arg_bytes(env, arguments[0], "key", key) || !arg_bytes(env, arguments[1], name, body) ||
      !arg_bytes(env, arguments[2], "associated", associated)) {
    return false;
  }
  if (key->length != TOKEN_KEY_BYTES) {
    throw_range(env, "key must have %d bytes", TOKEN_KEY_BYTES);
    return false;
  }
  if (body->length <= UINT16_MAX && associated->length <= UINT16_MAX) return true;
  throw_range(env, "a token and what it is bound to must have at most 65535 bytes");
  return false;
}

// (key, plain, associated, out) => bytes of the token
static napi_value token_seal(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  bytes_view key, plain, associated, out;
  if (!args_get(env, info, 4, arguments) ||
      !token_arguments(env, arguments, "plain", &key, &plain, &associated) ||
      !arg_out(env, arguments[3], AEAD_IV_BYTES + plain.length + AEAD_TAG_BYTES, &out)) {
    return NULL;
  }
  uint8_t *body = out.data + AEAD_IV_BYTES;
  if (RAND_bytes(out.data, AEAD_IV_BYTES) != 1 ||
      !token_crypt(key.data, out.data, &associated, plain.data, body, plain.length, body + plain.length, true)) {
    return failed(env, "OpenSSL cannot seal a token");
  }
  return make_int(env, (int32_t)(AEAD_IV_BYTES + plain.length + AEAD_TAG_BYTES));
}

// (key, token, associated) => plain, or undefined when it is not authentic
static napi_value token_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  bytes_view key, token, associated;
  uint8_t *out;
  if (!args_get(env, info, 3, arguments) ||
      !token_arguments(env, arguments, "token", &key, &token, &associated) ||
      token.length < AEAD_IV_BYTES + AEAD_TAG_BYTES) {
    return NULL;
  }
  size_t bytes = token.length - AEAD_IV_BYTES - AEAD_TAG_BYTES;
  if ((result = new_bytes(env, bytes, &out)) == NULL) return NULL;
  uint8_t *body = token.data + AEAD_IV_BYTES;
  bool authentic = token_crypt(key.data, token.data, &associated, body, out, bytes, body + bytes, false);
  if (!authentic) OPENSSL_cleanse(out, bytes);
  return authentic ? result : NULL;
}

static napi_value equal(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  bytes_view a, b;
  if (!args_get(env, info, 2, arguments) || !arg_bytes(env, arguments[0], "a", &a) ||
      !arg_bytes(env, arguments[1], "b", &b)) {
    return NULL;
  }
  bool same = a.length == b.length && CRYPTO_memcmp(a.data, b.data, a.length) == 0;
  return napi_get_boolean(env, same, &result) == napi_ok ? result : NULL;
}

// (suite, secret, label, context, length): HKDF-Expand-Label, or with `exporter` the TLS exporter of the secret.
static napi_value expand(napi_env env, napi_callback_info info, bool exporter) {
  napi_value arguments[5], result;
  bytes_view secret, context;
  char label[MAX_LABEL_BYTES + 1];
  int32_t id, length;
  uint8_t *out;
  if (!args_get(env, info, 5, arguments) || !arg_int(env, arguments[0], "suite", 0, UINT16_MAX, &id) ||
      !arg_bytes(env, arguments[1], "secret", &secret) ||
      !arg_text(env, arguments[2], "label", label, sizeof label) ||
      !arg_bytes(env, arguments[3], "context", &context) ||
      !arg_int(env, arguments[4], "length", 0, 255 * 32, &length)) {
    return NULL;
  }
  const cipher_suite *suite = suite_find((uint32_t)id);
  if (suite == NULL) return throw_range(env, "cipher suite 0x%04x is not known", (unsigned)id);
  if (secret.length != suite->secret_bytes) return throw_range(env, "secret must have %zu bytes", suite->secret_bytes);
  if (!exporter && context.length > 255) return throw_range(env, "context must have at most 255 bytes");
  if ((result = new_bytes(env, (size_t)length, &out)) == NULL) return NULL;
  bool done = (exporter ? tls_exporter : hkdf_expand_label)(suite, secret.data, label, strlen(label), context.data,
                                                            context.length, out, (size_t)length);
  return done ? result : failed(env, "OpenSSL cannot derive a secret");
}

static napi_value expand_label(napi_env env, napi_callback_info info) { return expand(env, info, false); }

static napi_value exporter(napi_env env, napi_callback_info info) { return expand(env, info, true); }

NATIVE_FUNCTIONS(quic_crypto, {"quicInitialSecrets", initial_secrets}, {"quicRetryTag", retry_tag},
                 {"quicResetToken", reset_token}, {"tokenSeal", token_seal}, {"tokenOpen", token_open},
                 {"bytesEqual", equal}, {"hkdfExpandLabel", expand_label}, {"tlsExporterOf", exporter});
