// Pinned keys: a client that knows its server's key needs no authority for it (RFC 7858 §4.2 calls this key-pinned).
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "tls.h"

static bool is_pinned(const tls_context *context, X509 *certificate) {
  uint8_t *encoded = NULL, digest[PIN_BYTES];
  int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
  if (length <= 0) return false;
  bool found = false;
  if (EVP_Digest(encoded, (size_t)length, digest, NULL, EVP_sha256(), NULL)) {
    for (size_t at = 0; at < context->pins.length; at += PIN_BYTES) {
      found |= CRYPTO_memcmp(context->pins.data + at, digest, PIN_BYTES) == 0;
    }
  }
  OPENSSL_free(encoded);
  return found;
}

// With trust anchors as well, both must agree; without, the pin stands for the chain, the name and the dates.
int verify_pinned(X509_STORE_CTX *store, void *argument) {
  const tls_context *context = argument;
  X509 *leaf = X509_STORE_CTX_get0_cert(store);
  if (leaf == NULL || !is_pinned(context, leaf)) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  if (context->trust_anchors) return X509_verify_cert(store);
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}
