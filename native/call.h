/* Arguments and answers of calls from JavaScript. */
#ifndef TALLYWIRE_CALL_H
#define TALLYWIRE_CALL_H

#define NAPI_VERSION 8

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARGUMENTS_MAX 9

/* Arguments of a call; the first that is not what it should be is noted. */
struct call {
  napi_env env;
  napi_value values[ARGUMENTS_MAX];
  int is_wrong;
};

static inline struct call begin(napi_env env, napi_callback_info info) {
  struct call call = {.env = env};
  size_t count = ARGUMENTS_MAX;
  call.is_wrong = napi_get_cb_info(env, info, &count, call.values, NULL, NULL) != napi_ok;
  return call;
}

static inline napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

static inline int32_t integer(struct call *call, int index) {
  int32_t value = 0;
  if (napi_get_value_int32(call->env, call->values[index], &value) != napi_ok) call->is_wrong = 1;
  return value;
}

/* A time in milliseconds since 1970 as seconds, and nanoseconds in the lower half; never where it is infinite. */
static inline uint64_t moment(struct call *call, int index) {
  double ms = 0;
  if (napi_get_value_double(call->env, call->values[index], &ms) != napi_ok || !(ms >= 0)) call->is_wrong = 1;
  if (call->is_wrong || ms >= UINT32_MAX * 1000.0) return UINT64_MAX;
  uint64_t whole_ms = (uint64_t)ms;
  return whole_ms / 1000 << 32 | whole_ms % 1000 * 1000000;
}

/* A text, cut where it is too long; NULL for what is none. */
static inline const char *text(struct call *call, int index, char *into, size_t room) {
  size_t length;
  return napi_get_value_string_utf8(call->env, call->values[index], into, room, &length) == napi_ok ? into : NULL;
}

static inline uint8_t *bytes(struct call *call, int index, size_t *length) {
  napi_typedarray_type type;
  void *data = NULL;
  if (napi_get_typedarray_info(call->env, call->values[index], &type, length, &data, NULL, NULL) != napi_ok) call->is_wrong = 1;
  else if (type != napi_uint8_array) call->is_wrong = 1;
  return data;
}

static inline napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static inline napi_value done(napi_env env, int fault) { return fault == 0 ? NULL : fail(env, strerror(fault)); }

/* Adds what asks for owners of connections to what JavaScript sees. */
void owners_export(napi_env env, napi_value exports);

/* Adds what lets go of pages of programs. */
void program_pages_export(napi_env env, napi_value exports);

#endif
