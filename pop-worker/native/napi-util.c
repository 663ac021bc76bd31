#include "napi-util.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define MESSAGE_BYTES 200

napi_value throw_type(napi_env env, const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value throw_range(napi_env env, const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

napi_value throw_errno(napi_env env, int error, const char *what) {
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof message, "%s: %s (%s)", what, uv_strerror(-error), uv_err_name(-error));
  return throw_code(env, uv_err_name(-error), message);
}

napi_value throw_code(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

bool args_get(napi_env env, napi_callback_info info, size_t want, napi_value *values) {
  size_t count = want;
  return napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok;
}

bool arg_double(napi_env env, napi_value value, const char *name, double min, double max, double *out) {
  if (napi_get_value_double(env, value, out) != napi_ok) {
    throw_type(env, "%s must be a number", name);
    return false;
  }
  // Written so that NaN fails it.
  if (!(*out >= min && *out <= max)) {
    throw_range(env, "%s must be from %.15g to %.15g", name, min, max);
    return false;
  }
  return true;
}

bool arg_int(napi_env env, napi_value value, const char *name, int32_t min, int32_t max, int32_t *out) {
  double number;
  if (!arg_double(env, value, name, min, max, &number)) return false;
  if (number != trunc(number)) {
    throw_range(env, "%s must be an integer", name);
    return false;
  }
  *out = (int32_t)number;
  return true;
}

bool arg_bool(napi_env env, napi_value value, const char *name, bool *out) {
  if (napi_get_value_bool(env, value, out) == napi_ok) return true;
  throw_type(env, "%s must be a boolean", name);
  return false;
}

bool arg_text(napi_env env, napi_value value, const char *name, char *out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    throw_type(env, "%s must be a string", name);
    return false;
  }
  if (length >= size) {
    throw_range(env, "%s must be shorter than %zu bytes", name, size);
    return false;
  }
  if (napi_get_value_string_utf8(env, value, out, size, &length) != napi_ok || memchr(out, 0, length) != NULL) {
    throw_range(env, "%s must not contain a NUL", name);
    return false;
  }
  return true;
}

static bool typed_array(napi_env env, napi_value value, const char *name, napi_typedarray_type want, const char *kind,
                        size_t *length, void **data) {
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == want) return true;
  throw_type(env, "%s must be a %s", name, kind);
  return false;
}

bool arg_bytes(napi_env env, napi_value value, const char *name, bytes_view *out) {
  return typed_array(env, value, name, napi_uint8_array, "Uint8Array", &out->length, (void **)&out->data);
}

bool arg_words(napi_env env, napi_value value, const char *name, words_view *out) {
  return typed_array(env, value, name, napi_int32_array, "Int32Array", &out->length, (void **)&out->data);
}

bool arg_unsigned(napi_env env, napi_value value, const char *name, unsigned_view *out) {
  return typed_array(env, value, name, napi_uint32_array, "Uint32Array", &out->length, (void **)&out->data);
}

bool arg_doubles(napi_env env, napi_value value, const char *name, doubles_view *out) {
  return typed_array(env, value, name, napi_float64_array, "Float64Array", &out->length, (void **)&out->data);
}

bool arg_function(napi_env env, napi_value value, const char *name) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  throw_type(env, "%s must be a function", name);
  return false;
}

napi_value handle_new(napi_env env, void *data, napi_finalize finalize, const napi_type_tag *tag) {
  napi_value handle;
  if (napi_create_external(env, data, finalize, NULL, &handle) != napi_ok) {
    finalize(env, data, NULL);
    return throw_code(env, "ERR_NATIVE", "the engine cannot create a handle");
  }
  // From here on the external owns `data`; without a tag it is merely useless.
  if (napi_type_tag_object(env, handle, tag) != napi_ok) {
    return throw_code(env, "ERR_NATIVE", "the engine cannot tag a handle");
  }
  return handle;
}

void *arg_handle(napi_env env, napi_value value, const char *name, const napi_type_tag *tag) {
  bool tagged = false;
  void *data = NULL;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
      napi_check_object_type_tag(env, value, tag, &tagged) != napi_ok || !tagged ||
      napi_get_value_external(env, value, &data) != napi_ok) {
    throw_type(env, "%s must be a handle of the right kind", name);
    return NULL;
  }
  return data;
}

napi_value make_double(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

napi_value make_int(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value make_text(napi_env env, const char *text) {
  napi_value result = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}
