// Argument and result helpers over N-API 9. Every arg_… function checks type and bounds, throws TypeError or RangeError
// and returns false when the argument is wrong; the caller then returns NULL at once, with nothing done.
#ifndef CLOUDBRIDGE_NAPI_UTIL_H
#define CLOUDBRIDGE_NAPI_UTIL_H

#define NAPI_VERSION 9
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A concern file exports one array of these, ended by a row of NULLs: see NATIVE_FUNCTIONS and module.c.
typedef struct {
  const char *name;
  napi_callback call;
} native_function;

// NATIVE_FUNCTIONS(clock, {"nowUs", now_us}, …) defines the array `clock_functions` that module.c collects.
#define NATIVE_FUNCTIONS(concern, ...) const native_function concern##_functions[] = {__VA_ARGS__, {NULL, NULL}}

typedef struct {
  uint8_t *data;
  size_t length;  // bytes
} bytes_view;

typedef struct {
  int32_t *data;
  size_t length;  // words
} words_view;

typedef struct {
  uint32_t *data;
  size_t length;  // words
} unsigned_view;

typedef struct {
  double *data;
  size_t length;  // elements
} doubles_view;

// Reads `want` arguments; those that were not given are `undefined`, which the checks below refuse.
bool args_get(napi_env env, napi_callback_info info, size_t want, napi_value *values);

bool arg_double(napi_env env, napi_value value, const char *name, double min, double max, double *out);
bool arg_int(napi_env env, napi_value value, const char *name, int32_t min, int32_t max, int32_t *out);
bool arg_bool(napi_env env, napi_value value, const char *name, bool *out);
// Copies into `out` with a final NUL; refuses text that has a NUL inside or does not fit `size`.
bool arg_text(napi_env env, napi_value value, const char *name, char *out, size_t size);
bool arg_bytes(napi_env env, napi_value value, const char *name, bytes_view *out);      // Uint8Array
bool arg_words(napi_env env, napi_value value, const char *name, words_view *out);      // Int32Array
bool arg_unsigned(napi_env env, napi_value value, const char *name, unsigned_view *out);  // Uint32Array
bool arg_doubles(napi_env env, napi_value value, const char *name, doubles_view *out);  // Float64Array
bool arg_function(napi_env env, napi_value value, const char *name);

// A handle is an external with a type tag, so that one kind is never taken for another. `finalize` runs when JavaScript
// has let go of it, at the latest when the environment ends. handle_new takes ownership of `data`: when it fails it
// throws, and `finalize` has been called.
napi_value handle_new(napi_env env, void *data, napi_finalize finalize, const napi_type_tag *tag);
void *arg_handle(napi_env env, napi_value value, const char *name, const napi_type_tag *tag);

napi_value throw_type(napi_env env, const char *format, ...) __attribute__((format(printf, 2, 3)));
napi_value throw_range(napi_env env, const char *format, ...) __attribute__((format(printf, 2, 3)));
// An Error whose code is the errno's name and whose message names what was attempted.
napi_value throw_errno(napi_env env, int error, const char *what);
napi_value throw_code(napi_env env, const char *code, const char *message);

napi_value make_double(napi_env env, double value);
napi_value make_int(napi_env env, int32_t value);
napi_value make_text(napi_env env, const char *text);

#endif
