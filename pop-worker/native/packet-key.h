// Keys of packet protection (RFC 9001 §5): the AEAD of one key phase, header protection of one direction.
#ifndef CLOUDBRIDGE_PACKET_KEY_H
#define CLOUDBRIDGE_PACKET_KEY_H

#include "aes-gcm.h"
#include "suite.h"

#define SAMPLE_BYTES 16
#define MAX_PN_BYTES 4

// Holds the key in one of two ways, or none; only the nonce changes from packet to packet.
typedef struct {
  aes_gcm *gcm;  // where suite and processor allow it
  EVP_CIPHER_CTX *context;
  uint8_t iv[AEAD_IV_BYTES];
} packet_key;

static inline bool packet_key_is_set(const packet_key *key) { return key->gcm != NULL || key->context != NULL; }

typedef struct {
  EVP_CIPHER_CTX *context;
  bool chacha;
} header_key;

// Derives the keys of a traffic secret. What was in `key` before is replaced.
bool packet_key_set(packet_key *key, const cipher_suite *suite, const quic_version *version, const uint8_t *secret,
                    bool seal);
void packet_key_clear(packet_key *key);
bool header_key_set(header_key *key, const cipher_suite *suite, const quic_version *version, const uint8_t *secret);
void header_key_clear(header_key *key);

// The secret of the next key phase (RFC 9001 §6.1), in place.
bool secret_update(const cipher_suite *suite, const quic_version *version, uint8_t *secret);

// One mask of SAMPLE_BYTES for each sample; only its first five bytes mean something.
bool header_masks(header_key *key, const uint8_t *samples, uint8_t *masks, int count);

// Seals `payload` bytes behind the header, the tag behind them.
bool packet_seal(packet_key *key, uint64_t number, uint8_t *packet, int header, int payload);

typedef enum { PACKET_AUTHENTIC, PACKET_FORGED, PACKET_BROKEN } packet_verdict;

// Opens `payload` bytes and the tag behind them. A forged packet has its bytes as they came; BROKEN: OpenSSL failed.
packet_verdict packet_open(packet_key *key, uint64_t number, uint8_t *packet, int header, int payload);

#endif
