// TlsSession of quic/ports.ts: one handshake, and its exporter secret for as long as the connection lasts.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define MAX_LABEL_BYTES 249

static const napi_type_tag tls_session_tag = {0x2e6f95b07c1d48a3, 0xb1f0843ad97e5c26};

// About what OpenSSL holds for a handshake. The garbage collector is told, lest it lets thousands pile up.
#define HANDSHAKE_BYTES 49152

static void account(napi_env env, tls_session *session, int64_t bytes) {
  int64_t unused;
  if (napi_adjust_external_memory(env, bytes - session->accounted, &unused) == napi_ok) session->accounted = bytes;
}

// Frees what only the handshake needs. The exporter secret stays.
static void free_handshake(tls_session *session) {
  SSL_free(session->ssl);
  session->ssl = NULL;
  for (int level = 0; level < LEVELS; level++) bytes_clear(&session->inputs[level].bytes);
  bytes_clear(&session->local_parameters);
  bytes_clear(&session->peer_parameters);
  bytes_clear(&session->ticket_data);
}

static void end_handshake(napi_env env, tls_session *session) {
  free_handshake(session);
  account(env, session, 0);
}

void session_destroy(tls_session *session) {
  free_handshake(session);
  bytes_clear(&session->events);
  tls_context_release(session->context);
  OPENSSL_cleanse(session, sizeof *session);
  free(session);
}

static void session_free(napi_env env, tls_session *session) {
  account(env, session, 0);
  if (!desk_keeps(session)) session_destroy(session);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  session_free(env, data);
}

// A hook that runs inside of OpenSSL must not come back to the same session.
static tls_session *arg_any_session(napi_env env, napi_value value) {
  tls_session *session = arg_handle(env, value, "session", &tls_session_tag);
  if (session == NULL || !session->busy) return session;
  throw_code(env, "ERR_TLS_BUSY", "a TLS session cannot be used from inside of its own hook");
  return NULL;
}

static tls_session *arg_session(napi_env env, napi_value value) {
  tls_session *session = arg_any_session(env, value);
  if (session == NULL || !session->is_away) return session;
  throw_code(env, "ERR_TLS_BUSY", "a handshake thread has this TLS session");
  return NULL;
}

static tls_session *session_new(napi_env env, tls_context *context, const bytes_view *parameters) {
  tls_session *session = calloc(1, sizeof *session);
  if (session == NULL) {
    throw_code(env, "ERR_NATIVE", "no memory for a TLS session");
    return NULL;
  }
  session->context = context;
  context->references++;
  session->alert = -1;
  session->last_crypto = SIZE_MAX;
  ERR_clear_error();
  session->ssl = SSL_new(context->ctx);
  if (session->ssl != NULL) {
    (context->server ? SSL_set_accept_state : SSL_set_connect_state)(session->ssl);
    if (bytes_append(&session->local_parameters, parameters->data, parameters->length, TLS_INPUT_CAP) &&
        quic_install(session)) {
      account(env, session, HANDSHAKE_BYTES);
      return session;
    }
  }
  session_free(env, session);
  throw_openssl(env, "a TLS session cannot be set up");
  return NULL;
}

static napi_value session_handle(napi_env env, tls_session *session) {
  return handle_new(env, session, finalize, &tls_session_tag);
}

// (context, transportParameters) => session
static napi_value server_new(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  tls_context *context;
  bytes_view parameters;
  tls_session *session;
  if (!args_get(env, info, 2, arguments) ||
      (context = arg_handle(env, arguments[0], "context", &tls_context_tag)) == NULL ||
      !arg_bytes(env, arguments[1], "transportParameters", &parameters)) {
    return NULL;
  }
  if (!context->server) return throw_type(env, "context must be a server's");
  if ((session = session_new(env, context, &parameters)) == NULL) return NULL;
  if (SSL_set_quic_tls_early_data_enabled(session->ssl, context->early_data)) return session_handle(env, session);
  session_free(env, session);
  return throw_openssl(env, "early data cannot be set up");
}

// An IP address is compared as one and not sent as SNI (RFC 6066 §3).
static bool expect_name(tls_session *session, const char *name) {
  memcpy(session->server_name, name, strlen(name) + 1);
  X509_VERIFY_PARAM *expected = SSL_get0_param(session->ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, name)) return true;
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(expected, name, 0) && SSL_set_tlsext_host_name(session->ssl, name);
}

// RFC 8446 §4.2.10: early data is for the protocol that the ticket was given under, which must be offered again.
static bool offers_alpn_of(const SSL_SESSION *resumed, const bytes_view *alpn) {
  const unsigned char *name;
  size_t length;
  SSL_SESSION_get0_alpn_selected(resumed, &name, &length);
  for (size_t at = 0; at < alpn->length; at += 1 + (size_t)alpn->data[at]) {
    bool whole = at + 1 + alpn->data[at] <= alpn->length;
    if (whole && alpn->data[at] == length && memcmp(alpn->data + at + 1, name, length) == 0) return true;
  }
  return false;
}

// A ticket that does not decode or was given by another server is of no use; the handshake is then a full one.
static void use_ticket(tls_session *session, const bytes_view *ticket, const bytes_view *alpn, bool early_data) {
  const unsigned char *at = ticket->data;
  void *name = NULL;
  size_t length = 0;
  SSL_SESSION *resumed =
      ticket->length == 0 || ticket->length > INT32_MAX ? NULL : d2i_SSL_SESSION(NULL, &at, (long)ticket->length);
  if (resumed != NULL && SSL_SESSION_get0_ticket_appdata(resumed, &name, &length) &&
      length == strlen(session->server_name) && memcmp(name, session->server_name, length) == 0 &&
      SSL_SESSION_is_resumable(resumed) && SSL_set_session(session->ssl, resumed) && early_data &&
      offers_alpn_of(resumed, alpn)) {
    // Not all tickets allow it; then there is none.
    SSL_set_quic_tls_early_data_enabled(session->ssl, 1);
  }
  SSL_SESSION_free(resumed);
  ERR_clear_error();
}

// (context, serverName, alpn in wire form, transportParameters, ticket, earlyData) => session
static napi_value client_new(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  tls_context *context;
  char name[MAX_SERVER_NAME + 1];
  bytes_view alpn, parameters, ticket;
  bool early_data;
  tls_session *session;
  if (!args_get(env, info, 6, arguments) ||
      (context = arg_handle(env, arguments[0], "context", &tls_context_tag)) == NULL ||
      !arg_text(env, arguments[1], "serverName", name, sizeof name) || !arg_bytes(env, arguments[2], "alpn", &alpn) ||
      !arg_bytes(env, arguments[3], "transportParameters", &parameters) ||
      !arg_bytes(env, arguments[4], "ticket", &ticket) || !arg_bool(env, arguments[5], "earlyData", &early_data)) {
    return NULL;
  }
  if (context->server) return throw_type(env, "context must be a client's");
  if (name[0] == '\0') return throw_range(env, "serverName must not be empty");
  if (alpn.length == 0 || alpn.length > UINT16_MAX) return throw_range(env, "alpn must have 1 to 65535 bytes");
  if ((session = session_new(env, context, &parameters)) == NULL) return NULL;
  if (expect_name(session, name) && SSL_set_alpn_protos(session->ssl, alpn.data, (unsigned int)alpn.length) == 0) {
    use_ticket(session, &ticket, &alpn, early_data);
    return session_handle(env, session);
  }
  session_free(env, session);
  return throw_openssl(env, "a TLS session cannot be set up");
}

// What may come in at a level, and how much of it.
static void take_input(tls_session *session, int level, const bytes_view *data) {
  tls_input *input = &session->inputs[level];
  if (data->length == 0) return;
  // RFC 9001 §4.1.3: nothing new at a level that was left; §4.1.4, Table 1: no CRYPTO frames in 0-RTT packets.
  if (level < session->read_level || level == LEVEL_EARLY_DATA) {
    quic_violation(session, ALERT_UNEXPECTED_MESSAGE, "handshake bytes at a level that takes none");
    return;
  }
  size_t seen = level == LEVEL_ONE_RTT ? input->bytes.length : input->accepted;
  if (data->length > TLS_INPUT_CAP || seen > TLS_INPUT_CAP - data->length ||
      !bytes_append(&input->bytes, data->data, data->length, TLS_INPUT_CAP)) {
    quic_fail(session, ALERT_INTERNAL_ERROR, "more than 64 KiB of handshake bytes at one level");
    return;
  }
  input->accepted += data->length;
}

static void advance(napi_env env, tls_session *session, napi_value accept_early_data) {
  session->env = env;
  session->accept_early_data = accept_early_data;
  session->busy = true;
  quic_advance(session);
  session->busy = false;
  if (session->failed) end_handshake(env, session);
}

// (session, level, data, acceptEarlyData) => events
static napi_value session_receive(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  tls_session *session;
  int32_t level;
  bytes_view data;
  bool pending = false;
  if (!args_get(env, info, 4, arguments) || (session = arg_session(env, arguments[0])) == NULL ||
      !arg_int(env, arguments[1], "level", 0, LEVELS - 1, &level) || !arg_bytes(env, arguments[2], "data", &data)) {
    return NULL;
  }
  if (session->failed) return NULL;
  if (session->ssl == NULL) {
    // Released: a client's late tickets are let go, but a client has nothing to say any more (RFC 9001 §6: KeyUpdate
    // is an error).
    if (!session->context->server || !session->complete || data.length == 0) return NULL;
    static const char reason[] = "handshake bytes after the handshake";
    session->failed = true;
    event_append(session, EVENT_ALERT, ALERT_UNEXPECTED_MESSAGE, 0, 0, reason, sizeof reason - 1);
    return events_take(env, session);
  }
  take_input(session, level, &data);
  advance(env, session, arguments[3]);
  // What a hook threw goes on to the caller; the events wait for the next call.
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return NULL;
  return events_take(env, session);
}

// (session, level, data, desk, id) => whether a handshake thread has it now; if not, `tlsReceive` has an answer at once
static napi_value session_hand_over(napi_env env, napi_callback_info info) {
  napi_value arguments[5], result;
  tls_session *session;
  int32_t level, id;
  bytes_view data;
  if (!args_get(env, info, 5, arguments) || (session = arg_session(env, arguments[0])) == NULL ||
      !arg_int(env, arguments[1], "level", 0, LEVELS - 1, &level) || !arg_bytes(env, arguments[2], "data", &data) ||
      !arg_int(env, arguments[4], "id", 0, INT32_MAX, &id)) {
    return NULL;
  }
  bool alive = !session->failed && session->ssl != NULL;
  if (alive) {
    if (!desk_set(env, session, arguments[3], id)) return NULL;
    take_input(session, level, &data);
    desk_hand_over(session);
  }
  return napi_get_boolean(env, alive, &result) == napi_ok ? result : NULL;
}

// (session) => events, once the desk has given it back
static napi_value session_events(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  tls_session *session;
  if (!args_get(env, info, 1, arguments) || (session = arg_session(env, arguments[0])) == NULL) return NULL;
  if (session->failed) end_handshake(env, session);
  return events_take(env, session);
}

// (session) => data of the ticket whose early data a handshake thread asks about
static napi_value session_asked(napi_env env, napi_callback_info info) {
  napi_value arguments[1], memory, view;
  tls_session *session;
  void *data = NULL, *copy;
  size_t length = 0;
  if (!args_get(env, info, 1, arguments) || (session = arg_any_session(env, arguments[0])) == NULL) return NULL;
  // The thread that has it waits for the answer.
  if (!desk_asks(session)) return throw_code(env, "ERR_TLS_STATE", "no handshake thread asks about this TLS session");
  if (!SSL_SESSION_get0_ticket_appdata(SSL_get0_session(session->ssl), &data, &length) ||
      napi_create_arraybuffer(env, length, &copy, &memory) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, memory, 0, &view) != napi_ok) {
    return throw_code(env, "ERR_NATIVE", "no memory for ticket data");
  }
  if (length > 0) memcpy(copy, data, length);
  return view;
}

// (session, accept)
static napi_value session_answer(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  tls_session *session;
  bool accept;
  if (!args_get(env, info, 2, arguments) || (session = arg_any_session(env, arguments[0])) == NULL ||
      !arg_bool(env, arguments[1], "accept", &accept)) {
    return NULL;
  }
  desk_answer(session, accept);
  return NULL;
}

// (session, data, scope): goes into the tickets that are made from now on; others than with its first `scope` bytes are
// taken for none
static napi_value session_ticket_data(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  tls_session *session;
  bytes_view data;
  int32_t scope;
  if (!args_get(env, info, 3, arguments) || (session = arg_session(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "data", &data) ||
      !arg_int(env, arguments[2], "scope", 0, MAX_TICKET_DATA, &scope)) {
    return NULL;
  }
  if ((size_t)scope > data.length) return throw_range(env, "scope must not be more than the data");
  if (data.length > MAX_TICKET_DATA) return throw_range(env, "data must have at most %d bytes", MAX_TICKET_DATA);
  bytes_clear(&session->ticket_data);
  if (!bytes_append(&session->ticket_data, data.data, data.length, MAX_TICKET_DATA)) {
    return throw_code(env, "ERR_NATIVE", "no memory for ticket data");
  }
  session->ticket_scope = (size_t)scope;
  return NULL;
}

// (session) => events: one more ticket
static napi_value session_issue_ticket(napi_env env, napi_callback_info info) {
  napi_value arguments[1], undefined;
  tls_session *session;
  if (!args_get(env, info, 1, arguments) || (session = arg_session(env, arguments[0])) == NULL ||
      napi_get_undefined(env, &undefined) != napi_ok) {
    return NULL;
  }
  if (session->ssl == NULL || !session->complete || !session->context->server) {
    return throw_code(env, "ERR_TLS_STATE", "a ticket needs a server's complete handshake that was not released");
  }
  ERR_clear_error();
  if (!SSL_new_session_ticket(session->ssl)) return throw_openssl(env, "a ticket cannot be issued");
  session->ticket_wanted = true;
  advance(env, session, undefined);
  return events_take(env, session);
}

// (session, label, context, length) => keying material (RFC 8446 §7.5)
static napi_value session_exporter(napi_env env, napi_callback_info info) {
  napi_value arguments[4], memory, result;
  tls_session *session;
  char label[MAX_LABEL_BYTES + 1];
  bytes_view context;
  int32_t length;
  void *out;
  if (!args_get(env, info, 4, arguments) || (session = arg_any_session(env, arguments[0])) == NULL ||
      !arg_text(env, arguments[1], "label", label, sizeof label) ||
      !arg_bytes(env, arguments[2], "context", &context) || !arg_int(env, arguments[3], "length", 1, 8160, &length)) {
    return NULL;
  }
  if (!session->complete || session->suite == NULL) {
    return throw_code(env, "ERR_TLS_STATE", "keying material is exported after the handshake");
  }
  if (napi_create_arraybuffer(env, (size_t)length, &out, &memory) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, (size_t)length, memory, 0, &result) != napi_ok ||
      !tls_exporter(session->suite, session->exporter_secret, label, strlen(label), context.data, context.length, out,
                    (size_t)length)) {
    return throw_code(env, "ERR_NATIVE", "keying material cannot be exported");
  }
  return result;
}

// (session): frees the SSL object; the exporter goes on to work
static napi_value session_release(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  tls_session *session;
  if (!args_get(env, info, 1, arguments) || (session = arg_session(env, arguments[0])) == NULL) return NULL;
  if (!session->complete && session->ssl != NULL) {
    return throw_code(env, "ERR_TLS_STATE", "a handshake is released when it is complete");
  }
  end_handshake(env, session);
  return NULL;
}

static napi_value session_close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  tls_session *session;
  if (!args_get(env, info, 1, arguments) || (session = arg_any_session(env, arguments[0])) == NULL) return NULL;
  if (session->is_away) {
    desk_unwanted(session);
    return NULL;
  }
  end_handshake(env, session);
  bytes_clear(&session->events);
  OPENSSL_cleanse(session->exporter_secret, sizeof session->exporter_secret);
  session->suite = NULL;
  session->failed = true;
  return NULL;
}

NATIVE_FUNCTIONS(tls_session, {"tlsServerNew", server_new}, {"tlsClientNew", client_new},
                 {"tlsReceive", session_receive}, {"tlsHandOver", session_hand_over}, {"tlsEvents", session_events},
                 {"tlsAsked", session_asked}, {"tlsAnswer", session_answer}, {"tlsTicketData", session_ticket_data},
                 {"tlsIssueTicket", session_issue_ticket}, {"tlsExporter", session_exporter},
                 {"tlsRelease", session_release}, {"tlsClose", session_close});
