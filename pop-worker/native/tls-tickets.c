// Session tickets (RFC 8446 §4.6.1, §2.2): sealed by keys that contexts and processes may share and rotate, with a few
// bytes of ours inside, and whether early data that comes with one is welcome.
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "tls.h"

static bool key_to(const ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->hmac_key, sizeof key->hmac_key),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, params) &&
         EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), key->aes_key, iv, seal, NULL);
}

// 1: the key is set; 2: set, and the client gets a new ticket; 0: no such key; -1: failure.
static int choose_among(const tls_context *context, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                        EVP_MAC_CTX *mac, int seal) {
  if (seal) {
    const ticket_key *key = &context->ticket_keys[0];
    memcpy(name, key->name, sizeof key->name);
    return RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 && key_to(key, iv, cipher, mac, 1) ? 1 : -1;
  }
  for (size_t i = 0; i < context->ticket_key_count; i++) {
    const ticket_key *key = &context->ticket_keys[i];
    if (memcmp(name, key->name, sizeof key->name) != 0) continue;
    // RFC 8446 §C.4: a ticket should be used once, so a resumed client needs another one.
    return key_to(key, iv, cipher, mac, 0) ? 2 : -1;
  }
  return 0;
}

static int choose_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                      int seal) {
  tls_context *context = quic_session_of(ssl)->context;
  pthread_rwlock_rdlock(&context->ticket_lock);
  int chosen = choose_among(context, name, iv, cipher, mac, seal);
  pthread_rwlock_unlock(&context->ticket_lock);
  return chosen;
}

// A serial that no two tickets share, then data of ours. What was in the ticket a session was resumed by does not pass into
// new ones by itself.
static int fill_ticket(SSL *ssl, void *unused) {
  (void)unused;
  const tls_bytes *data = &quic_session_of(ssl)->ticket_data;
  uint8_t whole[TICKET_SERIAL_BYTES + MAX_TICKET_DATA];
  if (RAND_bytes(whole, TICKET_SERIAL_BYTES) != 1) return 0;
  if (data->length > 0) memcpy(whole + TICKET_SERIAL_BYTES, data->data, data->length);
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), whole, TICKET_SERIAL_BYTES + data->length);
}

// What the ticket was given for is what this session is for: QUIC's version (RFC 9369 §5).
static bool is_in_scope(SSL *ssl, SSL_SESSION *ticket) {
  const tls_session *session = quic_session_of(ssl);
  size_t scope = session->ticket_scope, length = 0;
  void *data = NULL;
  if (scope == 0) return true;
  return SSL_SESSION_get0_ticket_appdata(ticket, &data, &length) && length >= TICKET_SERIAL_BYTES + scope &&
         memcmp((const uint8_t *)data + TICKET_SERIAL_BYTES, session->ticket_data.data, scope) == 0;
}

static SSL_TICKET_RETURN read_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_bytes,
                                     SSL_TICKET_STATUS status, void *unused) {
  (void)name, (void)name_bytes, (void)unused;
  bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (opened && !is_in_scope(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  switch (status) {
    case SSL_TICKET_SUCCESS:
      return SSL_TICKET_RETURN_USE;
    case SSL_TICKET_SUCCESS_RENEW:
      return SSL_TICKET_RETURN_USE_RENEW;
    default:
      return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
}

// Called when all that TLS itself asks for early data holds (RFC 8446 §4.2.10); replay defence is the hook's.
static int allow_early_data(SSL *ssl, void *unused) {
  (void)unused;
  tls_session *session = quic_session_of(ssl);
  napi_env env = session->env;
  if (env == NULL) return desk_ask(session);
  napi_valuetype type;
  bool accept = false;
  if (napi_typeof(env, session->accept_early_data, &type) != napi_ok) return 0;
  if (type == napi_undefined) return 1;
  void *data = NULL, *copy;
  size_t length = 0;
  napi_value memory, view, undefined, verdict;
  if (!SSL_SESSION_get0_ticket_appdata(SSL_get0_session(ssl), &data, &length) ||
      napi_create_arraybuffer(env, length, &copy, &memory) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, memory, 0, &view) != napi_ok ||
      napi_get_undefined(env, &undefined) != napi_ok) {
    return 0;
  }
  if (length > 0) memcpy(copy, data, length);
  // What the hook throws stays pending and leaves tlsReceive; meanwhile early data is refused.
  if (napi_call_function(env, undefined, session->accept_early_data, 1, &view, &verdict) != napi_ok) return 0;
  return napi_get_value_bool(env, verdict, &accept) == napi_ok && accept;
}

// A client gets its tickets here (RFC 8446 §4.6.1).
static int new_ticket(SSL *ssl, SSL_SESSION *ticket) {
  tls_session *session = quic_session_of(ssl);
  uint32_t early = SSL_SESSION_get_max_early_data(ticket);
  // RFC 9001 §4.6.1
  if (early != 0 && early != UINT32_MAX) {
    quic_violation(session, ALERT_ILLEGAL_PARAMETER, "a ticket's max_early_data_size must be 0xffffffff");
    return 0;
  }
  // The name goes along, so that a ticket is never shown to another server (RFC 8446 §4.6.1).
  uint8_t *encoded = NULL;
  int length = SSL_SESSION_set1_ticket_appdata(ticket, session->server_name, strlen(session->server_name))
                   ? i2d_SSL_SESSION(ticket, &encoded)
                   : -1;
  if (length <= 0 || !event_append(session, EVENT_TICKET, 0, 0, 0, encoded, (size_t)length)) {
    quic_fail(session, ALERT_INTERNAL_ERROR, "no memory for a ticket");
  }
  if (length > 0) OPENSSL_clear_free(encoded, (size_t)length);
  return 0;
}

bool tickets_install(tls_context *context) {
  SSL_CTX *ctx = context->ctx;
  if (!context->server) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, new_ticket);
    return true;
  }
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_allow_early_data_cb(ctx, allow_early_data, NULL);
  context->ticket_key_count = 1;
  return RAND_bytes((unsigned char *)context->ticket_keys, TICKET_KEY_BYTES) == 1 &&
         SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, choose_key) &&
         SSL_CTX_set_session_ticket_cb(ctx, fill_ticket, read_ticket, NULL);
}
