// TransportPort.seal of protocol/wireguard/ports.ts: packets become transport messages, a batch a call. A large packet that a
// TUN hands over (TSO, USO) is cut meanwhile, and checksums that it left undone are done, while the bytes are in the cache.
#include <endian.h>
#include <string.h>

#include "checksum.h"
#include "wireguard.h"

// ports.ts: words of a job.
#define SEAL_WORDS 12
#define S_KEY 0
#define S_RECEIVER 1
#define S_COUNTER_LOW 2
#define S_COUNTER_HIGH 3
#define S_FROM 4
#define S_LENGTH 5
#define S_INTO 6
#define S_FLAGS 7
#define S_UPPER 8
#define S_CHECKSUM 9
#define S_HEADER 10
#define S_SEGMENT 11
#define FLAG_CHECKSUM 1
#define FLAG_TCP 2

#define HEADER_BYTES 16
#define PADDING 16
#define TRANSPORT_TYPE 4
#define MOST_HEADER 1024

#define FIN_PSH 0x09
#define CWR 0x80

typedef struct {
  const wireguard_keys *keys;
  bytes_view from, into;
  uint32_t mtu;
} sealing;

// One job's words, copied: nothing changes under our hands.
typedef struct {
  uint32_t words[SEAL_WORDS];
  const uint8_t *key;
  uint64_t counter;
  uint8_t *at;  // of the next message
} job;

static uint32_t padded(uint32_t length, uint32_t mtu) {
  if (length > mtu) return length;
  uint32_t rounded = (length + PADDING - 1) / PADDING * PADDING;
  return rounded < mtu ? rounded : mtu;
}

static uint64_t message_bytes(uint32_t length, uint32_t mtu) {
  return (uint64_t)HEADER_BYTES + padded(length, mtu) + CHACHA_TAG_BYTES;
}

// Bytes that a job writes.
static uint64_t total_bytes(const uint32_t *words, uint32_t mtu) {
  uint32_t length = words[S_LENGTH], header = words[S_HEADER], segment = words[S_SEGMENT];
  if (segment == 0) return message_bytes(length, mtu);
  uint32_t payload = length - header;
  uint32_t whole = payload / segment, rest = payload % segment;
  return whole * message_bytes(header + segment, mtu) + (rest > 0 ? message_bytes(header + rest, mtu) : 0);
}

static const char *fault_of(const sealing *self, const uint32_t *words) {
  uint32_t length = words[S_LENGTH], flags = words[S_FLAGS], upper = words[S_UPPER], segment = words[S_SEGMENT];
  uint32_t field = words[S_CHECKSUM];
  if ((uint64_t)words[S_FROM] + length > self->from.length) return "lies outside of its buffer";
  if (wireguard_key(self->keys, words[S_KEY]) == NULL) return "is of a key that there is not";
  if ((flags & FLAG_CHECKSUM) && (upper > length || field > length || (uint64_t)upper + field + 2 > length)) {
    return "has its checksum outside of it";
  }
  if (segment > 0) {
    uint32_t header = words[S_HEADER], least = flags & FLAG_TCP ? 20 : 8;
    if (upper < 20 || upper > header || header - upper < least || header > MOST_HEADER || header >= length) {
      return "has no such headers";
    }
    uint8_t version = self->from.data[words[S_FROM]] >> 4;
    if (version == 6 ? upper < 40 : version != 4) return "has no such headers";
  }
  if (words[S_INTO] + total_bytes(words, self->mtu) > self->into.length) return "has no room for what it becomes";
  return NULL;
}

// Writes header, padding and tag around `length` bytes that lie at their place.
static bool finish(const sealing *self, job *one, uint32_t length) {
  uint8_t *at = one->at, *content = at + HEADER_BYTES;
  uint32_t bytes = padded(length, self->mtu);
  const uint32_t head[4] = {htole32(TRANSPORT_TYPE), htole32(one->words[S_RECEIVER]), htole32((uint32_t)one->counter),
                            htole32((uint32_t)(one->counter >> 32))};
  memcpy(at, head, sizeof head);
  memset(content + length, 0, bytes - length);
  bool behind = content - self->into.data >= CHACHA_BLOCK_BYTES;
  if (!(behind ? chacha_seal_behind(one->key, one->counter, content, bytes, self->keys->direct)
               : chacha_seal(one->key, one->counter, NULL, 0, content, bytes, self->keys->direct))) {
    return false;
  }
  one->counter++;
  one->at = content + bytes + CHACHA_TAG_BYTES;
  return true;
}

// What the field holds is the pseudo-header's sum (virtio 1.2 §5.1.6.2).
static void complete(uint8_t *packet, const job *one, uint32_t length) {
  uint32_t upper = one->words[S_UPPER];
  uint16_t check = (uint16_t)~checksum_fold(checksum_range(packet + upper, length - upper));
  store16(packet + upper + one->words[S_CHECKSUM], check == 0 ? 0xffff : check);
}

static void fix_ip(uint8_t *packet, uint32_t upper, uint32_t length, uint32_t index) {
  if (packet[0] >> 4 == 6) {
    store16(packet + 4, length - 40);
    return;
  }
  store16(packet + 2, length);
  store16(packet + 4, load16(packet + 4) + index);
  store16(packet + 10, 0);
  store16(packet + 10, (uint16_t)~checksum_fold(checksum_range(packet, upper)));
}

// RFC 9293 §3.1: FIN and PSH belong to the last bytes, CWR (RFC 3168 §6.1.2) to the first.
static void fix_tcp(uint8_t *tcp, uint32_t before, bool first, bool last) {
  store32(tcp + 4, load32(tcp + 4) + before);
  if (!last) tcp[13] &= (uint8_t)~FIN_PSH;
  if (!first) tcp[13] &= (uint8_t)~CWR;
}

static void fix_upper(uint8_t *packet, uint32_t upper, uint32_t length, bool is_tcp) {
  uint8_t *header = packet + upper, *field = header + (is_tcp ? 16 : 6);
  uint32_t bytes = length - upper;
  bool v6 = packet[0] >> 4 == 6;
  if (!is_tcp) store16(header + 4, bytes);
  store16(field, 0);
  uint32_t sum = checksum_range(packet + (v6 ? 8 : 12), v6 ? 32 : 8) + (is_tcp ? 6 : 17) + bytes;
  sum = checksum_fold(sum) + checksum_range(header, bytes);
  uint16_t check = (uint16_t)~checksum_fold(sum);
  store16(field, check == 0 && !is_tcp ? 0xffff : check);
}

static bool cut(const sealing *self, job *one) {
  const uint32_t *words = one->words;
  const uint8_t *packet = self->from.data + words[S_FROM];
  uint32_t header = words[S_HEADER], segment = words[S_SEGMENT], payload = words[S_LENGTH] - header;
  bool is_tcp = words[S_FLAGS] & FLAG_TCP;
  for (uint32_t before = 0, index = 0; before < payload; before += segment, index++) {
    uint32_t bytes = payload - before < segment ? payload - before : segment;
    uint8_t *out = one->at + HEADER_BYTES;
    memcpy(out, packet, header);
    memcpy(out + header, packet + header + before, bytes);
    fix_ip(out, words[S_UPPER], header + bytes, index);
    if (is_tcp) fix_tcp(out + words[S_UPPER], before, before == 0, before + bytes == payload);
    fix_upper(out, words[S_UPPER], header + bytes, is_tcp);
    if (!finish(self, one, header + bytes)) return false;
  }
  return true;
}

static bool seal_one(const sealing *self, job *one) {
  const uint32_t *words = one->words;
  if (words[S_SEGMENT] > 0) return cut(self, one);
  uint8_t *out = one->at + HEADER_BYTES;
  memmove(out, self->from.data + words[S_FROM], words[S_LENGTH]);
  if (words[S_FLAGS] & FLAG_CHECKSUM) complete(out, one, words[S_LENGTH]);
  return finish(self, one, words[S_LENGTH]);
}

// (keys, from, into, jobs, count, mtu)
static napi_value seal_jobs(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  sealing self;
  unsigned_view jobs;
  int count, mtu;
  if (!args_get(env, info, 6, arguments) || (self.keys = arg_wireguard_keys(env, arguments[0])) == NULL ||
      !arg_bytes(env, arguments[1], "from", &self.from) || !arg_bytes(env, arguments[2], "into", &self.into) ||
      !arg_unsigned(env, arguments[3], "jobs", &jobs) || !arg_int(env, arguments[4], "count", 0, INT32_MAX, &count) ||
      !arg_int(env, arguments[5], "mtu", 0, UINT16_MAX, &mtu)) {
    return NULL;
  }
  if ((size_t)count > jobs.length / SEAL_WORDS) return throw_range(env, "count is more than the jobs given");
  self.mtu = (uint32_t)mtu;
  // All or nothing: a wrong job is found before the first is sealed.
  for (int i = 0; i < count; i++) {
    const char *fault = fault_of(&self, jobs.data + (size_t)i * SEAL_WORDS);
    if (fault != NULL) return throw_range(env, "packet %d %s", i, fault);
  }
  for (int i = 0; i < count; i++) {
    job one;
    memcpy(one.words, jobs.data + (size_t)i * SEAL_WORDS, sizeof one.words);
    const char *fault = fault_of(&self, one.words);
    if (fault != NULL) return throw_range(env, "packet %d %s", i, fault);
    one.key = wireguard_key(self.keys, one.words[S_KEY]);
    one.counter = (uint64_t)one.words[S_COUNTER_HIGH] << 32 | one.words[S_COUNTER_LOW];
    one.at = self.into.data + one.words[S_INTO];
    if (!seal_one(&self, &one)) return throw_code(env, "ERR_NATIVE", "OpenSSL cannot seal a packet");
  }
  return NULL;
}

NATIVE_FUNCTIONS(wireguard_seal, {"wireguardSeal", seal_jobs});
