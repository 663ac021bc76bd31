// Sending a burst. Descriptors become messages, up to SLOTS a system call: one message for a whole descriptor with GSO,
// else one for each segment. What fails for good is counted and skipped; a full socket ends the call.
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "udp.h"

// After a device refused GSO that many descriptors go without it, then it is tried anew: routes change, and a socket
// may send by several devices.
#define GSO_PAUSE_DESCRIPTORS 1024

typedef struct {
  udp_socket *socket;
  bytes_view buffer;
  int32_t *words;
  int count;
  // Where the next message begins: a descriptor and bytes of it that are done with.
  int descriptor;
  int32_t start;
  // A descriptor that goes without GSO, because it was refused for it; -1 for none.
  int plain;
  bool refused;  // and it is not known yet whether GSO was what the kernel minded
} send_job;

static int32_t *descriptor_words(const send_job *job, int index) {
  return job->words + (size_t)index * DESCRIPTOR_WORDS;
}

static int32_t segments_of(int32_t length, int32_t segment) {
  return length == 0 ? 1 : (length - 1) / segment + 1;
}

// @returns why a descriptor cannot be sent by anyone, or NULL
static const char *fault_of(const send_job *job, const int32_t *words) {
  int32_t offset = words[D_OFFSET], length = words[D_LENGTH], segment = words[D_SEGMENT];
  if (offset < 0 || length < 0 || (size_t)offset + (size_t)length > job->buffer.length) return "lies outside the buffer";
  if (segment < 0 || segment > UINT16_MAX || (segment == 0 && length > 0)) return "has an invalid segment size";
  if (segments_of(length, segment) > MAX_SEGMENTS) return "has more than 64 segments";
  if (words[D_ECN] < 0 || words[D_ECN] > 3) return "has an invalid ECN codepoint";
  int family = address_family(&words[D_REMOTE]);
  if (family != 4 && family != 6) return "has no remote address";
  if (!address_is_zero(&words[D_LOCAL]) && address_family(&words[D_LOCAL]) != family) {
    return "has a local address of another family";
  }
  return NULL;
}

// ---- control messages

static uint8_t *add_control(struct msghdr *header, int level, int type, size_t size) {
  struct cmsghdr *control = (struct cmsghdr *)((uint8_t *)header->msg_control + header->msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(size);
  header->msg_controllen += CMSG_SPACE(size);
  return CMSG_DATA(control);
}

// IPv4 traffic of an IPv6 socket takes IPv4's control messages.
static void add_source(struct msghdr *header, const int32_t *local) {
  if (address_is_zero(local)) return;
  if (address_family(local) == 4) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, &local[2], sizeof info.ipi_spec_dst);
    memcpy(add_control(header, IPPROTO_IP, IP_PKTINFO, sizeof info), &info, sizeof info);
  } else {
    struct in6_pktinfo info = {.ipi6_ifindex = (uint32_t)local[1]};
    memcpy(&info.ipi6_addr, &local[2], sizeof info.ipi6_addr);
    memcpy(add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info, sizeof info);
  }
}

static void add_ecn(struct msghdr *header, int family, int codepoint) {
  if (codepoint == 0) return;
  uint8_t *data = family == 4 ? add_control(header, IPPROTO_IP, IP_TOS, sizeof codepoint)
                              : add_control(header, IPPROTO_IPV6, IPV6_TCLASS, sizeof codepoint);
  memcpy(data, &codepoint, sizeof codepoint);
}

// ---- from descriptors to messages

static bool uses_gso(const send_job *job, int index, int32_t length, int32_t segment) {
  return length > segment && index != job->plain && job->socket->gso_pause == 0 &&
         !(job->socket->flags & UDP_GSO_OFF);
}

// Prepares the message that begins at the job's position and moves the position behind it.
// @returns false when the descriptor's remote address does not suit the socket
static bool prepare_message(send_job *job, int slot) {
  udp_socket *self = job->socket;
  message_batch *tx = &self->tx;
  const int32_t *words = descriptor_words(job, job->descriptor);
  int32_t rest = words[D_LENGTH] - job->start;
  bool gso = uses_gso(job, job->descriptor, rest, words[D_SEGMENT]);
  int32_t length = gso || rest < words[D_SEGMENT] ? rest : words[D_SEGMENT];

  struct msghdr *header = &tx->messages[slot].msg_hdr;
  header->msg_name = &tx->addresses[slot];
  header->msg_namelen = socket_from_words(&tx->addresses[slot], &words[D_REMOTE], self->family);
  if (header->msg_namelen == 0) return false;
  tx->vectors[slot].iov_base = job->buffer.data + words[D_OFFSET] + job->start;
  tx->vectors[slot].iov_len = (size_t)length;
  header->msg_iov = &tx->vectors[slot];
  header->msg_iovlen = 1;
  header->msg_flags = 0;
  header->msg_control = tx->controls[slot].bytes;
  header->msg_controllen = 0;
  if (gso) {
    uint16_t segment = (uint16_t)words[D_SEGMENT];
    memcpy(add_control(header, IPPROTO_UDP, UDP_SEGMENT, sizeof segment), &segment, sizeof segment);
  }
  add_ecn(header, address_family(&words[D_REMOTE]), words[D_ECN]);
  add_source(header, &words[D_LOCAL]);

  int32_t segments = gso ? segments_of(rest, words[D_SEGMENT]) : 1;
  bool fallback = !gso && job->start == 0 && rest > length;
  self->origins[slot] = (message_origin){job->descriptor, job->start, length, segments, fallback};
  job->start += length;
  if (job->start < words[D_LENGTH]) return true;
  job->start = 0;
  job->descriptor++;
  return true;
}

// Fills slots from the job's position on. @returns how many, or -1 after throwing
static int prepare(napi_env env, send_job *job) {
  int slot = 0;
  while (slot < SLOTS && job->descriptor < job->count) {
    // First see how the refused one fares: it decides about GSO for those behind it.
    if (slot > 0 && job->refused && job->descriptor != job->plain) break;
    const int32_t *words = descriptor_words(job, job->descriptor);
    const char *fault = fault_of(job, words);
    if (fault != NULL) {
      if (slot > 0) break;  // what is before it still goes
      throw_range(env, "descriptor %d %s", job->descriptor, fault);
      return -1;
    }
    if (prepare_message(job, slot)) {
      slot++;
      continue;
    }
    job->socket->counters[C_UNREACHABLE]++;
    job->descriptor++;
    job->start = 0;
  }
  return slot;
}

// ---- what the kernel answers

static int counter_of(int error) {
  switch (error) {
    case EMSGSIZE:
      return C_TOO_LARGE;
    case ENOBUFS:
    case ENOMEM:
      return C_NO_BUFFERS;
    case ECONNREFUSED:
      return C_REFUSED;
    case EPERM:
    case EACCES:
      return C_NOT_PERMITTED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
      return C_UNREACHABLE;
    default:
      return C_OTHER_ERRORS;
  }
}

static void count_sent(send_job *job, const message_origin *origin, int messages) {
  udp_socket *self = job->socket;
  for (int i = 0; i < messages; i++) {
    self->counters[C_SENT_SEGMENTS] += origin[i].segments;
    self->counters[C_SENT_BYTES] += origin[i].length;
    if (!origin[i].fallback) continue;
    self->counters[C_GSO_FALLBACKS]++;
    if (self->gso_pause > 0) self->gso_pause--;
  }
  self->counters[C_SENT_MESSAGES] += messages;
  // A segment went by itself that was refused with GSO: the device or the socket cannot do it.
  if (job->refused && origin->descriptor == job->plain) {
    self->gso_pause = GSO_PAUSE_DESCRIPTORS;
    self->counters[C_GSO_REFUSALS]++;
  }
  job->refused = false;
}

static void return_to(send_job *job, const message_origin *origin) {
  job->descriptor = origin->descriptor;
  job->start = origin->start;
}

// EIO: the device cannot checksum what it would segment, or the route is by IPsec. EINVAL: the socket has no checksum.
// But EINVAL and EMSGSIZE also come when a segment exceeds the MTU or the destination is none, which says nothing about
// GSO; what happens to the segments themselves tells (count_sent).
static void refuse_gso(send_job *job, const message_origin *origin) {
  job->plain = origin->descriptor;
  job->refused = true;
  return_to(job, origin);
}

typedef enum { BATCH_DONE, BATCH_AGAIN, BATCH_FULL } batch_result;

// Sends the prepared messages. On BATCH_AGAIN and BATCH_FULL the job's position is where to go on.
static batch_result send_batch(send_job *job, int messages) {
  udp_socket *self = job->socket;
  for (int at = 0; at < messages;) {
    const message_origin *origin = &self->origins[at];
    int sent = sendmmsg(self->fd, &self->tx.messages[at], (unsigned)(messages - at), MSG_DONTWAIT);
    if (sent > 0) {
      count_sent(job, origin, sent);
      at += sent;
      continue;
    }
    int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      self->counters[C_WOULD_BLOCK]++;
      return_to(job, origin);
      return BATCH_FULL;
    }
    if (origin->segments > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
      refuse_gso(job, origin);
      return BATCH_AGAIN;
    }
    self->counters[counter_of(error)]++;
    job->refused = false;
    at++;
  }
  return BATCH_DONE;
}

static void shorten(send_job *job) {
  if (job->start == 0) return;
  int32_t *words = descriptor_words(job, job->descriptor);
  words[D_OFFSET] += job->start;
  words[D_LENGTH] -= job->start;
}

static napi_value run(napi_env env, send_job *job) {
  while (job->descriptor < job->count) {
    int messages = prepare(env, job);
    if (messages < 0) return NULL;
    if (send_batch(job, messages) != BATCH_FULL) continue;
    shorten(job);
    break;
  }
  return make_int(env, job->descriptor);
}

static napi_value udp_send(napi_env env, napi_callback_info info) {
  napi_value args[5];
  words_view words;
  send_job job = {.plain = -1};
  if (!args_get(env, info, 5, args) || (job.socket = arg_udp(env, args[0])) == NULL ||
      !arg_bytes(env, args[1], "buffer", &job.buffer) || !arg_words(env, args[2], "words", &words) ||
      !arg_int(env, args[3], "from", 0, INT32_MAX, &job.descriptor) ||
      !arg_int(env, args[4], "count", 0, INT32_MAX, &job.count)) {
    return NULL;
  }
  if ((size_t)job.count > words.length / DESCRIPTOR_WORDS || job.descriptor > job.count) {
    return throw_range(env, "from and count must lie within the burst");
  }
  job.words = words.data;
  return run(env, &job);
}

NATIVE_FUNCTIONS(udp_send, {"udpSend", udp_send});
