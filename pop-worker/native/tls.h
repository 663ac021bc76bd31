// TLS 1.3 for QUIC (RFC 9001 §4) by OpenSSL's SSL_set_quic_tls_cbs: what the tls-….c files share. See crypto.md.
#ifndef CLOUDBRIDGE_TLS_H
#define CLOUDBRIDGE_TLS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "napi-util.h"
#include "suite.h"

// Handshake bytes that a peer may send at one level before 1-RTT, and that may wait unread at any level.
#define TLS_INPUT_CAP 65536
// What may wait for whoever owns the connection to fetch it; OpenSSL's own flights are a fraction of this.
#define TLS_OUTPUT_CAP (512 * 1024)
#define MAX_SERVER_NAME 255
#define MAX_TICKET_DATA 4096
// In front of a ticket's data, unlike in each; host/tls/single-use.ts.
#define TICKET_SERIAL_BYTES 16
#define TICKET_KEY_BYTES 80
#define MAX_TICKET_KEYS 8
#define PIN_BYTES 32

// Level of quic/ports.ts; the numbers are OpenSSL's too.
enum { LEVEL_INITIAL, LEVEL_EARLY_DATA, LEVEL_HANDSHAKE, LEVEL_ONE_RTT, LEVELS };

// Kinds of events in what tlsReceive returns; host/tls/events.ts reads them.
enum {
  EVENT_CRYPTO,
  EVENT_SECRET,
  EVENT_TRANSPORT_PARAMETERS,
  EVENT_ALERT,
  EVENT_TICKET,
  EVENT_COMPLETE,
  EVENT_KEY_LOG,
  EVENT_TICKET_DATA,
};

// Alerts that this side raises by itself (RFC 8446 §6.2).
enum {
  ALERT_UNEXPECTED_MESSAGE = 10,
  ALERT_ILLEGAL_PARAMETER = 47,
  ALERT_INTERNAL_ERROR = 80,
  ALERT_MISSING_EXTENSION = 109,
  ALERT_NO_APPLICATION_PROTOCOL = 120,
};

// Bytes that grow; wiped when they move and when they are freed, since secrets may be among them.
typedef struct {
  uint8_t *data;
  size_t length, capacity;
} tls_bytes;

bool bytes_append(tls_bytes *bytes, const void *data, size_t length, size_t cap);
void bytes_clear(tls_bytes *bytes);

// Name, HMAC-SHA256 key, AES-256-CBC key: the layout of SSL_CTX_set_tlsext_ticket_keys.
typedef struct {
  uint8_t name[16], hmac_key[32], aes_key[32];
} ticket_key;

// Belongs to one thread's environment, as its sessions do; handshake threads (tls-desk.c) only read it.
typedef struct {
  SSL_CTX *ctx;
  atomic_size_t references;
  bool server, early_data, key_log, trust_anchors;
  tls_bytes alpn;                            // the server's list in wire form, most wanted first
  tls_bytes pins;                            // SHA-256 of acceptable SubjectPublicKeyInfos, one behind the other
  pthread_rwlock_t ticket_lock;              // of the next two, which are replaced while handshakes go on
  ticket_key ticket_keys[MAX_TICKET_KEYS];  // the first one seals, all open
  size_t ticket_key_count;
} tls_context;

extern const napi_type_tag tls_context_tag;
void tls_context_release(tls_context *context);
// Throws one line with OpenSSL's reason.
napi_value throw_openssl(napi_env env, const char *what);

// tls-library.c: where TLS finds its algorithms, certificates and keys; NULL: OpenSSL cannot set it up. Never freed.
OSSL_LIB_CTX *tls_library(void);

// tls-tickets.c
bool tickets_install(tls_context *context);

typedef struct {
  tls_bytes bytes;
  size_t consumed, accepted;  // read by OpenSSL of what is buffered; ever received
  size_t left;  // of the message at hand, 0 between two
} tls_input;

typedef struct tls_desk tls_desk;

typedef struct tls_session {
  SSL *ssl;  // NULL once it was released, closed or has failed
  tls_context *context;
  bool complete, failed, busy, parameters_seen, ticket_wanted;
  int read_level, write_level;
  tls_input inputs[LEVELS];
  tls_bytes events;
  size_t last_crypto;  // offset of an event that ends `events` and may be extended, else SIZE_MAX
  tls_bytes local_parameters, peer_parameters;
  int alert;  // -1: none
  bool violation;
  const char *reason;
  char server_name[MAX_SERVER_NAME + 1];  // client only
  tls_bytes ticket_data;                  // for the tickets to come (server only)
  size_t ticket_scope;                    // bytes of it that a ticket must begin with as well to be taken
  bool resumed_data_told;
  const cipher_suite *suite;  // of the exporter secret, NULL before there is one
  uint8_t exporter_secret[MAX_SECRET_BYTES];
  int64_t accounted;  // bytes that the garbage collector was told of
  // Only inside of a call; NULL on a handshake thread.
  napi_env env;
  napi_value accept_early_data;
  bool is_away;  // handed over, and not yet given back
  // What tls-desk.c knows of it; from `what` on guarded by its lock while the session is away.
  struct {
    tls_desk *desk;
    int32_t id;
    bool known;  // it was away before
    int64_t since_us, waited_us, worked_us;
    int what, verdict;
    bool is_done;           // waits to be taken by the desk's own thread
    bool unwanted, buried;  // nothing is to be done for it; whoever has it frees it
    struct tls_session *next;
  } away;
} tls_session;

void session_destroy(tls_session *session);

// tls-desk.c
bool desk_set(napi_env env, tls_session *session, napi_value desk, int32_t id);
void desk_hand_over(tls_session *session);
// On a handshake thread: waits for what the hook of its owner says about early data.
int desk_ask(tls_session *session);
// Whether it waits for that: then what stands in it may be read.
bool desk_asks(tls_session *session);
void desk_answer(tls_session *session, bool accept);
// What it was handed over for need not be done.
void desk_unwanted(tls_session *session);
// Its handle is gone. @returns whether a handshake thread has the session, and will free it
bool desk_keeps(tls_session *session);

// tls-quic.c
bool quic_install(tls_session *session);
void quic_advance(tls_session *session);
// The first failure counts; `reason` must live for ever.
void quic_fail(tls_session *session, int alert, const char *reason);
// The same for what RFC 9001 calls a PROTOCOL_VIOLATION: TLS would say the alert.
void quic_violation(tls_session *session, int alert, const char *reason);
tls_session *quic_session_of(const SSL *ssl);
// Copies what a resumed ticket carries into an event, once (server only).
void quic_tell_ticket_data(tls_session *session);
// A client's certificate check when keys are pinned (tls-verify.c).
int verify_pinned(X509_STORE_CTX *store, void *context);

// tls-events.c
bool event_append(tls_session *session, int type, int a, int b, int c, const void *data, size_t length);
bool event_crypto(tls_session *session, int level, const void *data, size_t length);
bool event_secret(tls_session *session, int level, int direction, uint16_t suite, const void *data, size_t length);
// All events so far as one Uint8Array, or undefined when there are none; they are forgotten here.
napi_value events_take(napi_env env, tls_session *session);

#endif
