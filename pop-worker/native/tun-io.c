// Reading and writing many packets a call. The kernel gives and takes one a system call; the packets lie one behind the
// other in the caller's buffer, their virtio_net_hdr in the descriptors.
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tun.h"

// The first vector holds the header; without one it is left out.
static struct iovec *vectors_of(const tun_device *self, struct iovec vectors[2], int *count) {
  *count = self->vnet_header ? 2 : 1;
  return self->vnet_header ? vectors : vectors + 1;
}

static void read_header(int32_t *words, const struct virtio_net_hdr *header) {
  words[T_FLAGS] = header->flags;
  words[T_GSO_TYPE] = header->gso_type;
  words[T_HEADER_LENGTH] = header->hdr_len;
  words[T_GSO_SIZE] = header->gso_size;
  words[T_CSUM_START] = header->csum_start;
  words[T_CSUM_OFFSET] = header->csum_offset;
}

static void write_header(struct virtio_net_hdr *header, const int32_t *words) {
  header->flags = (uint8_t)words[T_FLAGS];
  header->gso_type = (uint8_t)words[T_GSO_TYPE];
  header->hdr_len = (uint16_t)words[T_HEADER_LENGTH];
  header->gso_size = (uint16_t)words[T_GSO_SIZE];
  header->csum_start = (uint16_t)words[T_CSUM_START];
  header->csum_offset = (uint16_t)words[T_CSUM_OFFSET];
}

// @returns bytes of the packet, -1 when there is none (any more)
static int32_t read_packet(tun_device *self, uint8_t *at, int32_t *words) {
  struct virtio_net_hdr header = {0};
  size_t header_bytes = self->vnet_header ? sizeof header : 0;
  struct iovec vectors[2] = {{&header, sizeof header}, {at, TUN_SLOT_BYTES}};
  int count;
  struct iovec *first = vectors_of(self, vectors, &count);
  ssize_t length;
  do {
    length = readv(self->fd, first, count);
  } while (length < 0 && errno == EINTR);
  if (length < (ssize_t)header_bytes) {
    if (length >= 0 || errno != EAGAIN) self->counters[C_READ_ERRORS]++;
    return -1;
  }
  read_header(words, &header);
  return (int32_t)(length - (ssize_t)header_bytes);
}

static napi_value tun_read(napi_env env, napi_callback_info info) {
  napi_value args[5];
  tun_device *self;
  bytes_view buffer;
  words_view words;
  int count, used;
  if (!args_get(env, info, 5, args) || (self = arg_tun(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "buffer", &buffer) || !arg_words(env, args[2], "words", &words) ||
      !arg_int(env, args[3], "count", 0, INT32_MAX, &count) || !arg_int(env, args[4], "used", 0, INT32_MAX, &used)) {
    return NULL;
  }
  size_t capacity = words.length / TUN_WORDS;
  if ((size_t)count > capacity || (size_t)used > buffer.length || buffer.length > INT32_MAX) {
    return throw_range(env, "count and used must lie within the burst, whose buffer must be below 2 GiB");
  }
  int added = 0;
  while ((size_t)(count + added) < capacity && buffer.length - (size_t)used >= TUN_SLOT_BYTES) {
    int32_t *descriptor = words.data + (size_t)(count + added) * TUN_WORDS;
    int32_t length = read_packet(self, buffer.data + used, descriptor);
    if (length < 0) break;
    descriptor[T_OFFSET] = used;
    descriptor[T_LENGTH] = length;
    self->counters[C_READ_PACKETS]++;
    self->counters[C_READ_BYTES] += length;
    used += length;
    added++;
  }
  return make_int(env, added);
}

int tun_counter_of(int error) {
  switch (error) {
    case EINVAL:
      return C_INVALID;
    case ENOBUFS:
    case ENOMEM:
      return C_NO_BUFFERS;
    case EIO:
      return C_DOWN;  // the interface is not up
    default:
      return C_OTHER_ERRORS;
  }
}

// @returns false when the device cannot take it now
static bool write_packet(tun_device *self, uint8_t *at, const int32_t *words) {
  if (words[T_LENGTH] == 0) {
    self->counters[C_INVALID]++;  // writev would call nothing a success
    return true;
  }
  struct virtio_net_hdr header;
  write_header(&header, words);
  struct iovec vectors[2] = {{&header, sizeof header}, {at, (size_t)words[T_LENGTH]}};
  int count;
  struct iovec *first = vectors_of(self, vectors, &count);
  ssize_t written;
  do {
    written = writev(self->fd, first, count);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) {
    self->counters[C_WRITTEN_PACKETS]++;
    self->counters[C_WRITTEN_BYTES] += words[T_LENGTH];
    return true;
  }
  if (errno == EAGAIN) {
    self->counters[C_WOULD_BLOCK]++;
    return false;
  }
  self->counters[tun_counter_of(errno)]++;
  return true;
}

static bool outside(const bytes_view *buffer, const int32_t *words) {
  int32_t offset = words[T_OFFSET], length = words[T_LENGTH];
  return offset < 0 || length < 0 || (size_t)offset + (size_t)length > buffer->length;
}

static napi_value tun_write(napi_env env, napi_callback_info info) {
  napi_value args[5];
  tun_device *self;
  bytes_view buffer;
  words_view words;
  int from, count;
  if (!args_get(env, info, 5, args) || (self = arg_tun(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "buffer", &buffer) || !arg_words(env, args[2], "words", &words) ||
      !arg_int(env, args[3], "from", 0, INT32_MAX, &from) || !arg_int(env, args[4], "count", 0, INT32_MAX, &count)) {
    return NULL;
  }
  if ((size_t)count > words.length / TUN_WORDS || from > count) {
    return throw_range(env, "from and count must lie within the burst");
  }
  for (; from < count; from++) {
    const int32_t *descriptor = words.data + (size_t)from * TUN_WORDS;
    if (outside(&buffer, descriptor)) return throw_range(env, "packet %d lies outside the buffer", from);
    if (!write_packet(self, buffer.data + descriptor[T_OFFSET], descriptor)) break;
  }
  return make_int(env, from);
}

NATIVE_FUNCTIONS(tun_io, {"tunRead", tun_read}, {"tunWrite", tun_write});
