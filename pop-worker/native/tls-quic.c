// Between OpenSSL's handshake and QUIC: bytes go in level by level, events come out in the order of their making.
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

#include "tls.h"

// RFC 8446 §4: type and length of a handshake message.
#define MESSAGE_PREFIX_BYTES 4

tls_session *quic_session_of(const SSL *ssl) { return SSL_get_app_data(ssl); }

void quic_fail(tls_session *session, int alert, const char *reason) {
  if (session->alert >= 0) return;
  session->alert = alert;
  session->reason = reason;
}

void quic_violation(tls_session *session, int alert, const char *reason) {
  if (session->alert < 0) session->violation = true;
  quic_fail(session, alert, reason);
}

static int send_crypto(SSL *ssl, const unsigned char *data, size_t length, size_t *consumed, void *argument) {
  (void)ssl;
  tls_session *session = argument;
  if (session->alert >= 0) return 0;
  if (!event_crypto(session, session->write_level, data, length)) {
    quic_fail(session, ALERT_INTERNAL_ERROR, "too many handshake bytes wait to be sent");
    return 0;
  }
  *consumed = length;
  return 1;
}

// Only bytes of the level that OpenSSL reads now, and of one message: it takes all it is offered for one record, and ends
// the connection with alert 10 when keys change in the middle of a record, where QUIC has an error of its own.
static int offer_crypto(SSL *ssl, const unsigned char **data, size_t *length, void *argument) {
  (void)ssl;
  tls_session *session = argument;
  tls_input *input = &session->inputs[session->read_level];
  size_t available = input->bytes.length - input->consumed;
  const uint8_t *bytes = input->bytes.data == NULL ? (const uint8_t *)"" : input->bytes.data + input->consumed;
  if (input->left == 0 && available >= MESSAGE_PREFIX_BYTES) {
    input->left = MESSAGE_PREFIX_BYTES + ((size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]);
  }
  *data = bytes;
  *length = available < input->left ? available : input->left;
  return 1;
}

static int release_crypto(SSL *ssl, size_t length, void *argument) {
  (void)ssl;
  tls_session *session = argument;
  tls_input *input = &session->inputs[session->read_level];
  if (length > input->bytes.length - input->consumed || length > input->left) return 0;
  input->consumed += length;
  input->left -= length;
  if (input->consumed < input->bytes.length) return 1;
  bytes_clear(&input->bytes);
  input->consumed = 0;
  return 1;
}

static uint16_t suite_of(const SSL *ssl, uint32_t level) {
  const SSL_CIPHER *cipher = NULL;
  // Keys of early data go by the resumed session, all others by what was negotiated.
  if (level != LEVEL_EARLY_DATA) cipher = SSL_get_pending_cipher(ssl);
  if (cipher == NULL && SSL_get_session(ssl) != NULL) cipher = SSL_SESSION_get0_cipher(SSL_get_session(ssl));
  return cipher == NULL ? 0 : SSL_CIPHER_get_protocol_id(cipher);
}

static int yield_secret(SSL *ssl, uint32_t level, int write, const unsigned char *secret, size_t length,
                        void *argument) {
  tls_session *session = argument;
  if (level >= LEVELS || length > MAX_SECRET_BYTES || session->alert >= 0) return 0;
  if (session->context->server && level != LEVEL_EARLY_DATA) quic_tell_ticket_data(session);
  // 0-RTT packets carry no CRYPTO frames: its keys move neither side of the handshake.
  if (level != LEVEL_EARLY_DATA && write) session->write_level = (int)level;
  if (level != LEVEL_EARLY_DATA && !write) {
    // RFC 9001 §4.1.3: no unread bytes may remain at a level that is left.
    if (session->inputs[session->read_level].bytes.length > 0) {
      quic_violation(session, ALERT_UNEXPECTED_MESSAGE, "handshake bytes go on past the end of their level");
      return 0;
    }
    session->read_level = (int)level;
  }
  return event_secret(session, (int)level, write, suite_of(ssl, level), secret, length);
}

static int got_parameters(SSL *ssl, const unsigned char *data, size_t length, void *argument) {
  (void)ssl;
  tls_session *session = argument;
  if (session->parameters_seen) {
    // RFC 8446 §4.1.2: the ClientHello after a HelloRetryRequest repeats the first one's extensions.
    if (length == session->peer_parameters.length &&
        (length == 0 || memcmp(data, session->peer_parameters.data, length) == 0)) {
      return 1;
    }
    quic_fail(session, ALERT_ILLEGAL_PARAMETER, "the second ClientHello has other transport parameters");
    return 0;
  }
  session->parameters_seen = true;
  return bytes_append(&session->peer_parameters, data, length, TLS_INPUT_CAP) &&
         event_append(session, EVENT_TRANSPORT_PARAMETERS, 0, 0, 0, data, length);
}

static int send_alert(SSL *ssl, unsigned char code, void *argument) {
  (void)ssl;
  quic_fail(argument, code, NULL);
  return 1;
}

static const OSSL_DISPATCH callbacks[] = {
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, (void (*)(void))send_crypto},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, (void (*)(void))offer_crypto},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, (void (*)(void))release_crypto},
    {OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, (void (*)(void))yield_secret},
    {OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS, (void (*)(void))got_parameters},
    {OSSL_FUNC_SSL_QUIC_TLS_ALERT, (void (*)(void))send_alert},
    {0, NULL},
};

// RFC 8446 §4.1.3: the Random by which a ServerHello is a HelloRetryRequest.
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                         0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                         0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

// RFC 8446 §4.2.10: a ClientHello after a HelloRetryRequest must not offer early data. Under QUIC, OpenSSL 3.5 does, and
// its server then gives alert 47; a session that allows none keeps it from that.
static void watch_server_hello(SSL *ssl, const uint8_t *message, size_t length) {
  const size_t random_at = 4 + 2;
  if (length < random_at + sizeof retry_random || memcmp(message + random_at, retry_random, sizeof retry_random) != 0) {
    return;
  }
  SSL_SESSION *offered = SSL_get_session(ssl);
  if (offered != NULL) SSL_SESSION_set_max_early_data(offered, 0);
}

static unsigned read_uint16(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }

// RFC 9001 §8.1, §8.2: a server's answer without ALPN or transport parameters ends the connection. What is malformed
// is left to OpenSSL, which reads the message next. (A ClientHello is checked in tls-context.c.)
static void watch_encrypted_extensions(tls_session *session, const uint8_t *message, size_t length) {
  bool alpn = false, parameters = false;
  size_t at = 4 + 2;
  while (at + 4 <= length) {
    unsigned type = read_uint16(message + at);
    alpn |= type == TLSEXT_TYPE_application_layer_protocol_negotiation;
    parameters |= type == TLSEXT_TYPE_quic_transport_parameters;
    at += 4 + read_uint16(message + at + 2);
  }
  if (at != length) return;
  if (!parameters) {
    quic_fail(session, ALERT_MISSING_EXTENSION, "the peer sent no QUIC transport parameters");
  } else if (!alpn) {
    quic_fail(session, ALERT_NO_APPLICATION_PROTOCOL, "the server chose no application protocol");
  }
}

static void watch_messages(int written, int version, int type, const void *data, size_t length, SSL *ssl,
                           void *unused) {
  (void)version, (void)unused;
  const uint8_t *message = data;
  if (written || type != SSL3_RT_HANDSHAKE || length < 4) return;
  if (message[0] == SSL3_MT_SERVER_HELLO) watch_server_hello(ssl, message, length);
  if (message[0] == SSL3_MT_ENCRYPTED_EXTENSIONS) {
    watch_encrypted_extensions(quic_session_of(ssl), message, length);
  }
}

bool quic_install(tls_session *session) {
  if (!session->context->server) SSL_set_msg_callback(session->ssl, watch_messages);
  return SSL_set_app_data(session->ssl, session) && SSL_set_quic_tls_cbs(session->ssl, callbacks, session) &&
         SSL_set_quic_tls_transport_params(session->ssl, session->local_parameters.data,
                                           session->local_parameters.length);
}

void quic_tell_ticket_data(tls_session *session) {
  void *data;
  size_t length;
  if (session->resumed_data_told || !SSL_session_reused(session->ssl)) return;
  session->resumed_data_told = true;
  if (SSL_SESSION_get0_ticket_appdata(SSL_get0_session(session->ssl), &data, &length) && length > TICKET_SERIAL_BYTES) {
    event_append(session, EVENT_TICKET_DATA, 0, 0, 0, (const uint8_t *)data + TICKET_SERIAL_BYTES,
                 length - TICKET_SERIAL_BYTES);
  }
}

// An ALPN name has up to 255 bytes: length, name, then the peer's leaf certificate if there is one.
static bool tell_complete(tls_session *session) {
  SSL *ssl = session->ssl;
  const unsigned char *alpn;
  unsigned int alpn_bytes;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_bytes);
  X509 *peer = SSL_get0_peer_certificate(ssl);
  uint8_t *encoded = NULL;
  int length = peer == NULL ? 0 : i2d_X509(peer, &encoded);
  tls_bytes data = {0};
  uint8_t name_bytes = (uint8_t)alpn_bytes;
  bool done = length >= 0 && bytes_append(&data, &name_bytes, 1, TLS_INPUT_CAP) &&
              bytes_append(&data, alpn, alpn_bytes, TLS_INPUT_CAP) &&
              bytes_append(&data, encoded, (size_t)length, TLS_OUTPUT_CAP) &&
              event_append(session, EVENT_COMPLETE, SSL_session_reused(ssl), SSL_get_early_data_status(ssl), 0,
                           data.data, data.length);
  OPENSSL_free(encoded);
  bytes_clear(&data);
  return done;
}

static void tell_alert(tls_session *session) {
  char reason[256] = "";
  const char *openssl = ERR_reason_error_string(ERR_peek_last_error());
  long verified = SSL_get_verify_result(session->ssl);
  if (session->reason != NULL) {
    snprintf(reason, sizeof reason, "%s", session->reason);
  } else if (verified != X509_V_OK) {
    snprintf(reason, sizeof reason, "certificate: %s", X509_verify_cert_error_string(verified));
  } else {
    snprintf(reason, sizeof reason, "%s", openssl == NULL ? "the handshake failed" : openssl);
  }
  session->failed = true;
  // RFC 9001 §4.6.1: OpenSSL sees to it, and knows no error of QUIC's.
  bool violation = session->violation || ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_INVALID_MAX_EARLY_DATA;
  event_append(session, EVENT_ALERT, session->alert, violation, 0, reason, strlen(reason));
  SSL_free(session->ssl);
  session->ssl = NULL;
}

static bool wants_more(tls_session *session, int result) {
  int error = SSL_get_error(session->ssl, result);
  if (session->alert < 0 && (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)) return true;
  quic_fail(session, ALERT_INTERNAL_ERROR, NULL);
  return false;
}

// Where early data could be read or written, SSL_do_handshake reports success once in the middle of the handshake, to
// let TLS over TCP do that. QUIC carries early data by itself and goes straight on.
static void shake_hands(tls_session *session) {
  for (int attempt = 0; attempt < 4; attempt++) {
    int result = SSL_do_handshake(session->ssl);
    if (result != 1) {
      wants_more(session, result);
      return;
    }
    if (!SSL_is_init_finished(session->ssl)) continue;
    session->complete = true;
    if (!tell_complete(session)) quic_fail(session, ALERT_INTERNAL_ERROR, "no memory for the handshake's result");
    return;
  }
}

void quic_advance(tls_session *session) {
  ERR_clear_error();
  if (session->alert < 0 && !session->complete) shake_hands(session);
  if (session->alert < 0 && session->ticket_wanted) {
    int result = SSL_do_handshake(session->ssl);
    if (result != 1) wants_more(session, result);
    session->ticket_wanted = false;
  }
  // Post-handshake messages; there is no application data, so this never returns any.
  if (session->alert < 0 && session->complete && session->inputs[LEVEL_ONE_RTT].bytes.length > 0) {
    char unused;
    wants_more(session, SSL_read(session->ssl, &unused, 1));
  }
  if (session->alert >= 0) tell_alert(session);
  ERR_clear_error();
}
