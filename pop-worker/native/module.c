// The table of tables: one line for each concern, whose file defines `<concern>_functions` with NATIVE_FUNCTIONS.
#include "napi-util.h"

#define CONCERNS(X) \
  X(block_cipher) \
  X(bpf) \
  X(bpf_map) \
  X(bpf_object) \
  X(checksum) \
  X(clock) \
  X(echo) \
  X(guard) \
  X(hash) \
  X(netlink) \
  X(opener) \
  X(poll) \
  X(quic_crypto) \
  X(sealer) \
  X(tcp) \
  X(thread) \
  X(timer) \
  X(tls_context) \
  X(tls_desk) \
  X(tls_session) \
  X(tun) \
  X(tun_gather) \
  X(tun_io) \
  X(udp) \
  X(udp_receive) \
  X(udp_send) \
  X(wireguard_keys) \
  X(wireguard_mac) \
  X(wireguard_noise) \
  X(wireguard_open) \
  X(wireguard_seal) \
  /* end of the list, so that a new line touches no other */

#define DECLARE(concern) extern const native_function concern##_functions[];
CONCERNS(DECLARE)

#define LIST(concern) concern##_functions,
static const native_function *const tables[] = {CONCERNS(LIST)};

static bool export_table(napi_env env, napi_value exports, const native_function *row) {
  for (; row->name != NULL; row++) {
    napi_value function;
    if (napi_create_function(env, row->name, NAPI_AUTO_LENGTH, row->call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, row->name, function) != napi_ok) {
      return false;
    }
  }
  return true;
}

NAPI_MODULE_INIT() {
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    if (!export_table(env, exports, tables[i])) return NULL;
  }
  return exports;
}
