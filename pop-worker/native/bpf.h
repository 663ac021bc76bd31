// What the files of bpf(2) share.
#ifndef CLOUDBRIDGE_BPF_H
#define CLOUDBRIDGE_BPF_H

#include <errno.h>
#include <linux/bpf.h>

#include "napi-util.h"

int sys_bpf(enum bpf_cmd command, union bpf_attr *attr);
uint64_t bpf_pointer(const void *address);

// These throw and return false.
bool arg_descriptor(napi_env env, napi_value value, int *out);
bool is_room(napi_env env, size_t have, size_t want, const char *name);
bool bpf_info_of(napi_env env, int fd, void *info, size_t bytes);

#endif
