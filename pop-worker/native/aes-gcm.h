// AES-GCM (NIST SP 800-38D) with 96-bit nonces by the processor's own instructions for AES and carry-less products, two
// blocks a register (VAES, VPCLMULQDQ with AVX2). OpenSSL has this for AVX-512 only, and takes as long to be told of a
// packet as for a third of its bytes. Where the processor lacks one of them, OpenSSL does the work (packet-key.c).
#ifndef CLOUDBRIDGE_AES_GCM_H
#define CLOUDBRIDGE_AES_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct aes_gcm aes_gcm;

// Whether this processor can, and OPENSSL_ia32cap does not restrict what of it is used.
bool aes_gcm_available(void);

// @param key_bytes 16 or 32. NULL: no memory
aes_gcm *aes_gcm_new(const uint8_t *key, size_t key_bytes);

// Wipes the key.
void aes_gcm_free(aes_gcm *self);

// Encrypts `length` bytes in place and writes the tag of 16 bytes behind them.
void aes_gcm_seal(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length, uint8_t *text,
                  size_t length);

// Decrypts in place, the tag behind the text. @returns false when it is not authentic: then the bytes are as they came
bool aes_gcm_open(const aes_gcm *self, const uint8_t nonce[12], const uint8_t *aad, size_t aad_length, uint8_t *text,
                  size_t length);

#endif
