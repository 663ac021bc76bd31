// What many sessions share: identity, trust, ALPN, groups and suites, ticket keys. Built by one call a concern.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define MAX_NAMES 1024
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

const napi_type_tag tls_context_tag = {0x73a9c0f2165e4b8d, 0x8be14fd6027c935a};

napi_value throw_openssl(napi_env env, const char *what) {
  char message[300];
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  snprintf(message, sizeof message, "%s: %s", what, reason == NULL ? "refused by OpenSSL" : reason);
  ERR_clear_error();
  return throw_code(env, "ERR_TLS_CONFIGURATION", message);
}

void tls_context_release(tls_context *context) {
  if (--context->references > 0) return;
  SSL_CTX_free(context->ctx);
  pthread_rwlock_destroy(&context->ticket_lock);
  bytes_clear(&context->alpn);
  bytes_clear(&context->pins);
  OPENSSL_cleanse(context, sizeof *context);
  free(context);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  tls_context_release(data);
}

static tls_context *arg_context(napi_env env, napi_value value) {
  return arg_handle(env, value, "context", &tls_context_tag);
}

// RFC 7301 §3.2: the server chooses, by its own preference.
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes, const unsigned char *offered,
                       unsigned int offered_bytes, void *unused) {
  (void)unused;
  const tls_bytes *ours = &quic_session_of(ssl)->context->alpn;
  int outcome = SSL_select_next_proto((unsigned char **)out, out_bytes, ours->data, (unsigned int)ours->length, offered,
                                      offered_bytes);
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// RFC 9001 §8.1 and §8.2, before anything is answered.
static int check_hello(SSL *ssl, int *alert, void *unused) {
  (void)unused;
  const unsigned char *extension;
  size_t length;
  if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_quic_transport_parameters, &extension, &length)) {
    *alert = ALERT_MISSING_EXTENSION;
    quic_fail(quic_session_of(ssl), *alert, "the peer sent no QUIC transport parameters");
  } else if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension, &length)) {
    *alert = ALERT_NO_APPLICATION_PROTOCOL;
    quic_fail(quic_session_of(ssl), *alert, "the client offered no application protocol");
  } else {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  return SSL_CLIENT_HELLO_ERROR;
}

// OpenSSL gives its exporter secret to key logs alone. It is kept, so that the SSL object need not be.
static void log_key(const SSL *ssl, const char *line) {
  static const char label[] = "EXPORTER_SECRET ";
  tls_session *session = quic_session_of(ssl);
  const char *secret = strrchr(line, ' ');
  size_t length = 0;
  if (strncmp(line, label, sizeof label - 1) == 0 && secret != NULL) {
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const cipher_suite *suite = cipher == NULL ? NULL : suite_find(SSL_CIPHER_get_protocol_id(cipher));
    if (suite != NULL &&
        OPENSSL_hexstr2buf_ex(session->exporter_secret, MAX_SECRET_BYTES, &length, secret + 1, '\0') &&
        length == suite->secret_bytes) {
      session->suite = suite;
    }
  }
  if (session->context->key_log) event_append(session, EVENT_KEY_LOG, 0, 0, 0, line, strlen(line));
}

static bool configure(tls_context *context) {
  SSL_CTX *ctx = context->ctx;
  // Middlebox compatibility is not used (RFC 9001 §8.4). Certificate compression costs more CPU than it saves bytes:
  // OpenSSL compresses anew at every handshake. Replay defence is ours (RFC 8446 §8), above.
  SSL_CTX_set_options(ctx, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION |
                               SSL_OP_NO_ANTI_REPLAY | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_max_cert_list(ctx, TLS_INPUT_CAP);
  SSL_CTX_set_keylog_callback(ctx, log_key);
  if (context->server) {
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    SSL_CTX_set_client_hello_cb(ctx, check_hello, NULL);
  }
  return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
         SSL_CTX_set_ciphersuites(ctx, SUITES) && tickets_install(context);
}

// (server) => context
static napi_value context_new(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  bool server;
  if (!args_get(env, info, 1, arguments) || !arg_bool(env, arguments[0], "server", &server)) return NULL;
  tls_context *context = calloc(1, sizeof *context);
  if (context == NULL) return throw_code(env, "ERR_NATIVE", "no memory for a TLS context");
  context->references = 1;
  pthread_rwlock_init(&context->ticket_lock, NULL);
  context->server = server;
  OSSL_LIB_CTX *library = tls_library();
  if (library != NULL) context->ctx = SSL_CTX_new_ex(library, NULL, server ? TLS_server_method() : TLS_client_method());
  if (context->ctx != NULL && configure(context)) return handle_new(env, context, finalize, &tls_context_tag);
  tls_context_release(context);
  return throw_openssl(env, "TLS cannot be set up");
}

// A key that is encrypted must not make OpenSSL ask on the terminal.
static int no_password(char *buffer, int size, int write, void *unused) {
  (void)buffer, (void)size, (void)write, (void)unused;
  return -1;
}

static BIO *open_pem(const bytes_view *pem) {
  return pem->length > INT32_MAX ? NULL : BIO_new_mem_buf(pem->data, (int)pem->length);
}

// NULL where the text ends, or is no certificate.
static X509 *read_certificate(BIO *bio) {
  X509 *empty = X509_new_ex(tls_library(), NULL), *certificate = empty;
  if (empty == NULL || PEM_read_bio_X509(bio, &certificate, no_password, NULL) != NULL) return certificate;
  X509_free(certificate);
  return NULL;
}

static bool use_chain(SSL_CTX *ctx, BIO *bio) {
  X509 *leaf = read_certificate(bio);
  bool done = leaf != NULL && SSL_CTX_use_certificate(ctx, leaf) && SSL_CTX_clear_chain_certs(ctx);
  X509_free(leaf);
  for (X509 *next; done && (next = read_certificate(bio)) != NULL;) {
    done = SSL_CTX_add1_chain_cert(ctx, next);
    X509_free(next);
  }
  return done;
}

// (context, certificateChainPem, privateKeyPem); may be called again for a key of another type
static napi_value context_identity(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  tls_context *context;
  bytes_view chain, key;
  if (!args_get(env, info, 3, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "certificateChain", &chain) || !arg_bytes(env, arguments[2], "privateKey", &key)) {
    return NULL;
  }
  ERR_clear_error();
  BIO *chain_bio = open_pem(&chain), *key_bio = open_pem(&key);
  if (chain_bio == NULL || !use_chain(context->ctx, chain_bio)) {
    throw_openssl(env, "the certificate chain cannot be used");
  } else {
    ERR_clear_error();  // where a PEM text ends is an error to its reader
    EVP_PKEY *private = key_bio == NULL ? NULL : PEM_read_bio_PrivateKey_ex(key_bio, NULL, no_password, NULL, tls_library(), NULL);
    if (private == NULL || !SSL_CTX_use_PrivateKey(context->ctx, private) || !SSL_CTX_check_private_key(context->ctx)) {
      throw_openssl(env, "the private key cannot be used");
    }
    EVP_PKEY_free(private);
  }
  BIO_free(chain_bio);
  BIO_free(key_bio);
  return NULL;
}

static int add_anchors(SSL_CTX *ctx, BIO *bio) {
  int count = 0;
  for (X509 *next; (next = read_certificate(bio)) != NULL; X509_free(next)) {
    if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), next)) {
      X509_free(next);
      return 0;
    }
    count++;
  }
  return count;
}

// (context, trustAnchorsPem, mode: 0 none, 1 optional, 2 required)
static napi_value context_trust(napi_env env, napi_callback_info info) {
  static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
  napi_value arguments[3];
  tls_context *context;
  bytes_view anchors;
  int32_t mode;
  if (!args_get(env, info, 3, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "trustAnchors", &anchors) || !arg_int(env, arguments[2], "mode", 0, 2, &mode)) {
    return NULL;
  }
  ERR_clear_error();
  if (anchors.length > 0) {
    BIO *bio = open_pem(&anchors);
    context->trust_anchors = bio != NULL && add_anchors(context->ctx, bio) > 0;
    BIO_free(bio);
    if (!context->trust_anchors) return throw_openssl(env, "the trust anchors cannot be used");
    ERR_clear_error();
  }
  SSL_CTX_set_verify(context->ctx, modes[mode], NULL);
  // RFC 8446 §2.2: a resumed client is not asked for its certificate again. A ticket therefore only counts where the
  // same clients are let in: contexts that share ticket keys but not their trust do not accept each other's.
  uint8_t binding[32];
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  bool done = hash != NULL && EVP_DigestInit_ex2(hash, EVP_sha256(), NULL) &&
              EVP_DigestUpdate(hash, &modes[mode], sizeof modes[mode]) &&
              EVP_DigestUpdate(hash, anchors.data, anchors.length) && EVP_DigestFinal_ex(hash, binding, NULL) &&
              SSL_CTX_set_session_id_context(context->ctx, binding, sizeof binding);
  EVP_MD_CTX_free(hash);
  return done ? NULL : throw_openssl(env, "the trust anchors cannot be used");
}

// (context, pins): digests of 32 bytes, one behind the other
static napi_value context_pins(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  tls_context *context;
  bytes_view pins;
  if (!args_get(env, info, 2, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "pins", &pins)) {
    return NULL;
  }
  if (pins.length == 0 || pins.length % PIN_BYTES != 0) {
    return throw_range(env, "pins must be digests of %d bytes", PIN_BYTES);
  }
  bytes_clear(&context->pins);
  if (!bytes_append(&context->pins, pins.data, pins.length, TLS_INPUT_CAP)) {
    return throw_range(env, "too many pins");
  }
  SSL_CTX_set_cert_verify_callback(context->ctx, verify_pinned, context);
  return NULL;
}

// (context, alpn in wire form, groups, suites): empty texts keep what is there
static napi_value context_offer(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  tls_context *context;
  bytes_view alpn;
  char groups[MAX_NAMES], suites[MAX_NAMES];
  if (!args_get(env, info, 4, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "alpn", &alpn) || !arg_text(env, arguments[2], "groups", groups, MAX_NAMES) ||
      !arg_text(env, arguments[3], "suites", suites, MAX_NAMES)) {
    return NULL;
  }
  bytes_clear(&context->alpn);
  if (!bytes_append(&context->alpn, alpn.data, alpn.length, UINT16_MAX)) return throw_range(env, "alpn is too long");
  ERR_clear_error();
  if (groups[0] != '\0' && !SSL_CTX_set1_groups_list(context->ctx, groups)) {
    return throw_openssl(env, "the groups cannot be used");
  }
  if (suites[0] != '\0' && !SSL_CTX_set_ciphersuites(context->ctx, suites)) {
    return throw_openssl(env, "the cipher suites cannot be used");
  }
  return NULL;
}

// (context, keys of 80 bytes each): the first seals, all open
static napi_value context_ticket_keys(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  tls_context *context;
  bytes_view keys;
  if (!args_get(env, info, 2, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "keys", &keys)) {
    return NULL;
  }
  size_t count = keys.length / TICKET_KEY_BYTES;
  if (count == 0 || count > MAX_TICKET_KEYS || keys.length % TICKET_KEY_BYTES != 0) {
    return throw_range(env, "ticket keys must be 1 to %d times %d bytes", MAX_TICKET_KEYS, TICKET_KEY_BYTES);
  }
  pthread_rwlock_wrlock(&context->ticket_lock);
  OPENSSL_cleanse(context->ticket_keys, sizeof context->ticket_keys);
  memcpy(context->ticket_keys, keys.data, keys.length);
  context->ticket_key_count = count;
  pthread_rwlock_unlock(&context->ticket_lock);
  return NULL;
}

// (context, ticketCount, lifetimeSeconds, earlyData, keyLog)
static napi_value context_session(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  tls_context *context;
  int32_t tickets, lifetime;
  if (!args_get(env, info, 5, arguments) || (context = arg_context(env, arguments[0])) == NULL ||
      !arg_int(env, arguments[1], "tickets", 0, 16, &tickets) ||
      // RFC 8446 §4.6.1: seven days at most.
      !arg_int(env, arguments[2], "ticketLifetimeSeconds", 1, 604800, &lifetime) ||
      !arg_bool(env, arguments[3], "earlyData", &context->early_data) ||
      !arg_bool(env, arguments[4], "keyLog", &context->key_log)) {
    return NULL;
  }
  SSL_CTX_set_timeout(context->ctx, lifetime);
  // RFC 9001 §4.6.1: 0xffffffff or nothing.
  bool done = !context->server || (SSL_CTX_set_num_tickets(context->ctx, (size_t)tickets) &&
                                   SSL_CTX_set_max_early_data(context->ctx, context->early_data ? UINT32_MAX : 0));
  return done ? NULL : throw_openssl(env, "tickets cannot be set up");
}

NATIVE_FUNCTIONS(tls_context, {"tlsContextNew", context_new}, {"tlsContextIdentity", context_identity},
                 {"tlsContextTrust", context_trust}, {"tlsContextPins", context_pins},
                 {"tlsContextOffer", context_offer}, {"tlsContextTicketKeys", context_ticket_keys},
                 {"tlsContextSession", context_session});
