// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it (paper §5.4): what its state, its messages and the functions of
// HandshakePort share. Secrets that a function makes on its way are wiped before it returns.
#ifndef CLOUDBRIDGE_WIREGUARD_NOISE_H
#define CLOUDBRIDGE_WIREGUARD_NOISE_H

#include <openssl/evp.h>

#include "blake2s.h"
#include "wireguard.h"

#define KEY_BYTES 32
#define TIMESTAMP_BYTES 12
#define INITIATION_BYTES 148
#define RESPONSE_BYTES 92

// host/wireguard/native.ts: what is kept of a peer.
enum { P_PUBLIC = 0, P_SHARED = 32, P_PRESHARED = 64, PEER_BYTES = 96 };
// And of an initiation that was read.
enum { S_CHAIN = 0, S_HASH = 32, S_EPHEMERAL = 64, S_STATIC = 96, STATE_BYTES = 128 };

// ---- the symmetric state: wireguard-symmetric.c

typedef struct {
  uint8_t chain[BLAKE2S_BYTES], hash[BLAKE2S_BYTES];
} symmetric;

// X25519. @returns false where there is no secret: the public key is of low order
bool noise_agree(EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t secret[KEY_BYTES]);
// NULL: OpenSSL failed
EVP_PKEY *noise_new_ephemeral(uint8_t public[KEY_BYTES]);

void symmetric_begin(symmetric *self, const uint8_t responder[KEY_BYTES]);
// KDF1 or KDF2; `key` NULL: no key is wanted.
void symmetric_mix_key(symmetric *self, const uint8_t *input, size_t length, uint8_t *key);
void symmetric_mix_preshared(symmetric *self, const uint8_t preshared[KEY_BYTES], uint8_t key[KEY_BYTES]);
void symmetric_mix_ephemeral(symmetric *self, const uint8_t public[KEY_BYTES]);
// What both keys agree on; `key` as above. @returns false: they agree on nothing
bool symmetric_mix_agreed(symmetric *self, EVP_PKEY *own, const uint8_t theirs[KEY_BYTES], uint8_t *key);
// In place, the tag behind the field.
bool symmetric_seal(symmetric *self, const uint8_t key[KEY_BYTES], uint8_t *field, size_t length);
// @param out room for `length` bytes and a tag
bool symmetric_open(symmetric *self, const uint8_t key[KEY_BYTES], const uint8_t *field, size_t length, uint8_t *out);
// Gives both keys of a session their numbers, for which there is room: the initiator's sending key comes first.
void symmetric_split(symmetric *self, wireguard_keys *keys, int32_t *first, int32_t *second);

// ---- messages: wireguard-messages.c

typedef struct {
  EVP_PKEY *key;
  uint8_t public[KEY_BYTES];
} identity;

// That we began.
typedef struct {
  symmetric state;
  EVP_PKEY *ephemeral;
} handshake;

// @param self all zero; its ephemeral key is its owner's to free @returns false: OpenSSL failed
bool initiation_write(handshake *self, const identity *own, const uint8_t *peer, const uint8_t *timestamp, uint8_t *into);
// @returns whether it is authentic: then `state` has all, who says to have sent it with it
bool initiation_read(const identity *own, const uint8_t *message, uint8_t *state);
// @returns whether it is authentic: then `into` has the timestamp, and `state` is the one behind it
bool initiation_read_timestamp(const uint8_t *peer, const uint8_t *message, uint8_t *state, uint8_t *into);
// Wipes `state`. @param keys with room for two @param numbers of what we send with and what we receive with
bool response_write(const uint8_t *peer, uint8_t *state, uint8_t *into, wireguard_keys *keys, int32_t *numbers);
// @returns whether it is authentic: then there are keys, as above
bool response_read(const handshake *begun, const identity *own, const uint8_t *peer, const uint8_t *message,
                   wireguard_keys *keys, int32_t *numbers);

#endif
