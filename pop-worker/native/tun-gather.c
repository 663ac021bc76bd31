// Writing packets whose parts lie apart in one buffer: segments of one flow that became one large packet without being
// copied together (protocol/ip/offload.ts has the layout of messages and pieces).
#include <errno.h>
#include <linux/virtio_net.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tun.h"

// protocol/ip/offload.ts: MESSAGE_WORDS, PIECE_WORDS.
#define MESSAGE_WORDS 8
#define M_FIRST 0
#define M_FLAGS 2
#define M_GSO_TYPE 3
#define M_HEADER_LENGTH 4
#define M_GSO_SIZE 5
#define M_CSUM_START 6
#define M_CSUM_OFFSET 7
#define PIECE_WORDS 3
#define P_OFFSET 0
#define P_LENGTH 1
#define P_NEXT 2
#define MOST_PIECES 128

typedef struct {
  bytes_view buffer;
  words_view messages;
  words_view pieces;
} gather;

static void write_header(struct virtio_net_hdr *header, const int32_t *message) {
  header->flags = (uint8_t)message[M_FLAGS];
  header->gso_type = (uint8_t)message[M_GSO_TYPE];
  header->hdr_len = (uint16_t)message[M_HEADER_LENGTH];
  header->gso_size = (uint16_t)message[M_GSO_SIZE];
  header->csum_start = (uint16_t)message[M_CSUM_START];
  header->csum_offset = (uint16_t)message[M_CSUM_OFFSET];
}

// Fills vectors from a message's chain. @returns how many, -1 when the chain leaves the buffer or does not end
static int chain(const gather *g, int32_t piece, struct iovec *vectors) {
  int count = 0;
  while (piece >= 0) {
    if ((size_t)piece >= g->pieces.length / PIECE_WORDS || count == MOST_PIECES) return -1;
    const int32_t *words = g->pieces.data + (size_t)piece * PIECE_WORDS;
    int32_t offset = words[P_OFFSET], length = words[P_LENGTH];
    if (offset < 0 || length < 1 || (size_t)offset + (size_t)length > g->buffer.length) return -1;
    vectors[count].iov_base = g->buffer.data + offset;
    vectors[count++].iov_len = (size_t)length;
    piece = words[P_NEXT];
  }
  return count;
}

// @returns false when the device cannot take it now
static bool write_message(tun_device *self, const struct iovec *vectors, int count, size_t header_bytes) {
  ssize_t written;
  do {
    written = writev(self->fd, vectors, count);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) {
    self->counters[C_WRITTEN_PACKETS]++;
    self->counters[C_WRITTEN_BYTES] += (double)(written - (ssize_t)header_bytes);
    return true;
  }
  if (errno != EAGAIN) {
    self->counters[tun_counter_of(errno)]++;
    return true;
  }
  self->counters[C_WOULD_BLOCK]++;
  return false;
}

static napi_value tun_write_gather(napi_env env, napi_callback_info info) {
  napi_value args[6];
  tun_device *self;
  gather g;
  int from, count;
  if (!args_get(env, info, 6, args) || (self = arg_tun(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "buffer", &g.buffer) || !arg_words(env, args[2], "messages", &g.messages) ||
      !arg_words(env, args[3], "pieces", &g.pieces) || !arg_int(env, args[4], "from", 0, INT32_MAX, &from) ||
      !arg_int(env, args[5], "count", 0, INT32_MAX, &count)) {
    return NULL;
  }
  if ((size_t)count > g.messages.length / MESSAGE_WORDS || from > count) {
    return throw_range(env, "from and count must lie within the batch");
  }
  struct iovec vectors[MOST_PIECES + 1];
  struct virtio_net_hdr header;
  vectors[0].iov_base = &header;
  vectors[0].iov_len = sizeof header;
  int skip = self->vnet_header ? 0 : 1;
  for (; from < count; from++) {
    const int32_t *message = g.messages.data + (size_t)from * MESSAGE_WORDS;
    int pieces = chain(&g, message[M_FIRST], vectors + 1);
    if (pieces < 1) return throw_range(env, "message %d has a piece outside the buffer", from);
    write_header(&header, message);
    if (!write_message(self, vectors + skip, pieces + 1 - skip, skip ? 0 : sizeof header)) break;
  }
  return make_int(env, from);
}

NATIVE_FUNCTIONS(tun_gather, {"tunWriteGather", tun_write_gather});
