// ChaCha20-Poly1305 (RFC 8439 §2.8) of one message, with keys that are bytes and nothing else.
#ifndef CLOUDBRIDGE_CHACHA_H
#define CLOUDBRIDGE_CHACHA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHACHA_KEY_BYTES 32
#define CHACHA_TAG_BYTES 16

// Whether OpenSSL's own ChaCha20 and Poly1305 can be called past EVP, which takes a third longer for a packet.
bool chacha_is_direct(void);

// A block of the key stream.
#define CHACHA_BLOCK_BYTES 64

// The nonce is four zero bytes and `counter`, little-endian. Seals in place, the tag behind the bytes. @returns false: OpenSSL
// failed
bool chacha_seal(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                 uint8_t *bytes, size_t length, bool direct);
// The same without associated bytes, where CHACHA_BLOCK_BYTES in front of the bytes are memory that may be written to; they
// are as before afterwards. That saves a call, for Poly1305's key is the block before the first.
bool chacha_seal_behind(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, uint8_t *bytes, size_t length, bool direct);
// Opens `length` bytes and the tag behind them in place. What is not authentic stays as it came.
bool chacha_open(const uint8_t key[CHACHA_KEY_BYTES], uint64_t counter, const uint8_t *associated, size_t associated_bytes,
                 uint8_t *bytes, size_t length, bool direct);

// What EVP was told last stays in this thread's context until then; OpenSSL wipes it.
void chacha_forget(void);

// HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2).
void chacha_derive(const uint8_t key[CHACHA_KEY_BYTES], const uint8_t nonce[16], uint8_t out[CHACHA_KEY_BYTES]);

#endif
