/*
 * What JavaScript sees of native/: sources of packets, filters, and a word to the service manager, through Node-API alone, so that one binary
 * serves every Node.
 *
 * A source is watched by a thread of its own that tells JavaScript when there is something to read, and then waits until it is
 * armed again. Packets are copied once, from the kernel's ring into the memory that is given to `read`.
 */
#include "call.h"
#include "notify.h"
#include "source.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORD_BYTES_MAX 16384
#define PCAP_POLL_MS 10

/* What is written to a watcher's pipe. */
enum { ARM = 'a', END = 'e' };

struct handle {
  struct source *source;
  int is_watched;
  pthread_t watcher;
  int pipe[2];
  napi_threadsafe_function notify;
};

/* Instructions of a filter, of which there are `length`; they lie in JavaScript's memory. */
static const struct instruction *program(struct call *call, int index, uint32_t *length) {
  size_t size = 0;
  const struct instruction *first = (const struct instruction *)bytes(call, index, &size);
  *length = (uint32_t)(size / sizeof *first);
  return first;
}

static struct handle *handle_of(struct call *call, int index) {
  void *handle = NULL;
  if (napi_get_value_external(call->env, call->values[index], &handle) != napi_ok) call->is_wrong = 1;
  else if (((struct handle *)handle)->source == NULL) call->is_wrong = 1;
  return handle;
}

static void *watch_loop(void *context) {
  struct handle *handle = context;
  struct pollfd waits[2] = {{.fd = handle->pipe[0], .events = POLLIN}, {.fd = handle->source->descriptor, .events = POLLIN}};
  char word = END;
  while (read(handle->pipe[0], &word, 1) == 1 && word == ARM) {
    int is_polled = waits[1].fd >= 0;
    poll(waits, is_polled ? 2 : 1, is_polled ? -1 : PCAP_POLL_MS);
    if ((waits[0].revents & POLLIN) != 0) continue;
    if (napi_call_threadsafe_function(handle->notify, NULL, napi_tsfn_nonblocking) == napi_closing) return NULL;
  }
  napi_release_threadsafe_function(handle->notify, napi_tsfn_release);
  return NULL;
}

static void tell(struct handle *handle, char word) {
  while (write(handle->pipe[1], &word, 1) < 0 && handle->is_watched) {
  }
}

/* Sources that one thread of JavaScript has lent, until another takes them; a place that is free is NULL. */
#define LENT_MAX 256
static struct source *lent[LENT_MAX];
static pthread_mutex_t lent_lock = PTHREAD_MUTEX_INITIALIZER;

/* The place of a source that is lent now, -1 where there is none left. */
static int lend_source(struct source *source) {
  int place = 0;
  pthread_mutex_lock(&lent_lock);
  while (place < LENT_MAX && lent[place] != NULL) place++;
  if (place < LENT_MAX) {
    lent[place] = source;
    __atomic_add_fetch(&source->holders, 1, __ATOMIC_RELAXED);
  }
  pthread_mutex_unlock(&lent_lock);
  return place < LENT_MAX ? place : -1;
}

/* The source at a place, which is free then; NULL where there is none. */
static struct source *take_lent(int place) {
  struct source *source = NULL;
  if (place < 0 || place >= LENT_MAX) return NULL;
  pthread_mutex_lock(&lent_lock);
  source = lent[place];
  lent[place] = NULL;
  pthread_mutex_unlock(&lent_lock);
  return source;
}

static void release_source(struct source *source) {
  if (__atomic_sub_fetch(&source->holders, 1, __ATOMIC_ACQ_REL) == 0) source->close(source);
}

/* Ends the watcher. Node calls it too where its thread ends first: what the watcher calls is gone behind that. */
static void end_watch(void *context) {
  struct handle *handle = context;
  if (!handle->is_watched) return;
  tell(handle, END);
  pthread_join(handle->watcher, NULL);
  close(handle->pipe[0]);
  close(handle->pipe[1]);
  handle->is_watched = 0;
}

static void close_handle(napi_env env, struct handle *handle) {
  if (handle->source == NULL) return;
  if (handle->is_watched) napi_remove_env_cleanup_hook(env, end_watch, handle);
  end_watch(handle);
  release_source(handle->source);
  handle->source = NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  close_handle(env, data);
  free(data);
}

/* A handle to a source of which one holder is counted. */
static napi_value hold(napi_env env, struct source *source) {
  napi_value result = NULL;
  struct handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) {
    release_source(source);
    return fail(env, "there is no memory");
  }
  handle->source = source;
  napi_create_external(env, handle, finalize, NULL, &result);
  return result;
}

static napi_value wrap(napi_env env, struct source *source, const char *reason) {
  if (source == NULL) return fail(env, reason);
  source->holders = 1;
  return hold(env, source);
}

/* openRing(interface, blockBytes, blocks, retireMs, program) */
static napi_value open_ring(napi_env env, napi_callback_info info) {
  char reason[REASON_BYTES] = "";
  struct call call = begin(env, info);
  struct ring_options options = {.interface = integer(&call, 0),
                                 .block_bytes = (uint32_t)integer(&call, 1),
                                 .blocks = (uint32_t)integer(&call, 2),
                                 .retire_ms = (uint32_t)integer(&call, 3)};
  options.program = program(&call, 4, &options.program_length);
  if (call.is_wrong) return fail(env, "openRing takes four numbers and a program");
  return wrap(env, ring_open(&options, reason), reason);
}

/* openPcap(device, snapLength, bufferBytes, timeoutMs, promiscuous, filter?) */
static napi_value open_pcap(napi_env env, napi_callback_info info) {
  char filter[WORD_BYTES_MAX];
  char reason[REASON_BYTES] = "";
  char device[REASON_BYTES];
  struct call call = begin(env, info);
  struct pcap_options options = {.device = text(&call, 0, device, sizeof device),
                                 .snap_length = integer(&call, 1),
                                 .buffer_bytes = integer(&call, 2),
                                 .timeout_ms = integer(&call, 3),
                                 .promiscuous = integer(&call, 4)};
  options.filter = text(&call, 5, filter, sizeof filter);
  if (call.is_wrong || options.device == NULL) return fail(env, "openPcap takes a device, four numbers and a filter");
  return wrap(env, pcap_source_open(&options, reason), reason);
}

/* read(source, into): bytes of the records that were put there. */
static napi_value read_source(napi_env env, napi_callback_info info) {
  size_t room = 0;
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  uint8_t *into = bytes(&call, 1, &room);
  if (call.is_wrong) return fail(env, "read takes an open source and bytes");
  return number(env, (double)handle->source->read(handle->source, into, room));
}

/* counts(source): packets, dropped, freezes since it was opened. */
static napi_value count_source(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  struct counts counts = {0, 0, 0};
  napi_value result = NULL;
  if (call.is_wrong) return fail(env, "counts takes an open source");
  handle->source->count(handle->source, &counts);
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, number(env, (double)counts.packets));
  napi_set_element(env, result, 1, number(env, (double)counts.dropped));
  napi_set_element(env, result, 2, number(env, (double)counts.freezes));
  return result;
}

/* keep(source, fromMs, untilMs): gives out only packets of that time from now on. */
static napi_value keep(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  uint64_t from = moment(&call, 1), until = moment(&call, 2);
  if (call.is_wrong || handle->source->keep == NULL) return fail(env, "keep takes an open ring and two times");
  handle->source->keep(handle->source, from, until);
  return NULL;
}

/* fault(source): an errno, 0 where all is well. */
static napi_value fault(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  return call.is_wrong ? fail(env, "fault takes an open source") : number(env, handle->source->fault(handle->source));
}

/* stop(source): lets nothing more in; answers within how many ms what was taken can be read. */
static napi_value stop(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  if (call.is_wrong) return fail(env, "stop takes an open source");
  handle->source->stop(handle->source);
  return number(env, handle->source->settle_ms);
}

/* close(source) */
static napi_value close_source(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  if (call.is_wrong) return fail(env, "close takes an open source");
  close_handle(env, handle);
  return NULL;
}

/* lend(source): a number for which another thread can borrow it once. */
static napi_value lend(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  if (call.is_wrong) return fail(env, "lend takes an open source");
  int place = lend_source(handle->source);
  return place < 0 ? fail(env, "too many sources are lent") : number(env, place);
}

/* takeBack(source, number): where nobody has borrowed it for this number, nobody can any more. */
static napi_value take_back(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  int32_t place = integer(&call, 1);
  if (call.is_wrong || place < 0 || place >= LENT_MAX) return fail(env, "takeBack takes an open source and its number");
  pthread_mutex_lock(&lent_lock);
  int is_lent = lent[place] == handle->source;
  if (is_lent) lent[place] = NULL;
  pthread_mutex_unlock(&lent_lock);
  if (is_lent) release_source(handle->source);
  return NULL;
}

/* borrow(number): the source, which closes when all who have it have closed it. */
static napi_value borrow(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct source *source = take_lent(integer(&call, 0));
  return source == NULL ? fail(env, "borrow takes the number of a source that is lent") : hold(env, source);
}

/* Opens a pipe that programs which are begun do not get; macOS has no pipe2. */
static int open_pipe(int ends[2]) {
  if (pipe(ends) != 0) return -1;
  for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  return 0;
}

/* watch(source, callback): calls back once when there is something to read, and once more for each `arm`. */
static napi_value watch(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  napi_value name;
  if (call.is_wrong || handle->is_watched) return fail(env, "watch takes an open source that is not watched");
  napi_create_string_utf8(env, "tallywire", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, call.values[1], NULL, name, 0, 1, NULL, NULL, NULL, NULL, &handle->notify) != napi_ok)
    return fail(env, "watch takes a function");
  napi_unref_threadsafe_function(env, handle->notify);
  const char *missing = open_pipe(handle->pipe) != 0 ? "no pipe can be opened" : NULL;
  if (missing == NULL && pthread_create(&handle->watcher, NULL, watch_loop, handle) != 0) {
    close(handle->pipe[0]);
    close(handle->pipe[1]);
    missing = "no thread can be started";
  }
  if (missing != NULL) {
    napi_release_threadsafe_function(handle->notify, napi_tsfn_abort);
    return fail(env, missing);
  }
  handle->is_watched = 1;
  napi_add_env_cleanup_hook(env, end_watch, handle);
  tell(handle, ARM);
  return NULL;
}

/* arm(source) */
static napi_value arm(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  if (call.is_wrong || !handle->is_watched) return fail(env, "arm takes a source that is watched");
  tell(handle, ARM);
  return NULL;
}

/* setFilter(ring, program) */
static napi_value set_filter(napi_env env, napi_callback_info info) {
  uint32_t length;
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  const struct instruction *first = program(&call, 1, &length);
  return call.is_wrong ? fail(env, "setFilter takes a ring and a program") : done(env, ring_filter(handle->source, first, length));
}

/* share(ring, group, program): puts a ring into a group, a new one where it is below 0, and gives the group's number. */
static napi_value share(napi_env env, napi_callback_info info) {
  uint32_t length;
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  int32_t group = integer(&call, 1);
  const struct instruction *first = program(&call, 2, &length);
  if (call.is_wrong) return fail(env, "share takes a ring, a number and a program");
  int fault = ring_share(handle->source, &group, first, length);
  return fault == 0 ? number(env, group) : fail(env, strerror(fault));
}

/* promiscuous(ring, interface) */
static napi_value promiscuous(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  struct handle *handle = handle_of(&call, 0);
  int32_t interface = integer(&call, 1);
  return call.is_wrong ? fail(env, "promiscuous takes a ring and an interface") : done(env, ring_promiscuous(handle->source, interface));
}

/* keepCapabilities() */
static napi_value keep_capabilities(napi_env env, napi_callback_info info) {
  (void)info;
  return done(env, capabilities_keep());
}

/* limitCapabilities(kept) */
static napi_value limit_capabilities(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t kept = integer(&call, 0);
  return call.is_wrong ? fail(env, "limitCapabilities takes a number") : done(env, capabilities_limit((uint32_t)kept));
}

/* interfaces(): name and index of each. */
static napi_value interfaces(napi_env env, napi_callback_info info) {
  (void)info;
  struct if_nameindex *all = if_nameindex();
  napi_value result = NULL;
  napi_create_array(env, &result);
  for (uint32_t i = 0; all != NULL && all[i].if_index != 0; i++) {
    napi_value one, name;
    napi_create_object(env, &one);
    napi_create_string_utf8(env, all[i].if_name, NAPI_AUTO_LENGTH, &name);
    napi_set_named_property(env, one, "name", name);
    napi_set_named_property(env, one, "index", number(env, all[i].if_index));
    napi_set_element(env, result, i, one);
  }
  if (all != NULL) if_freenameindex(all);
  return result;
}

/* pcapVersion(): undefined where there is no libpcap. */
static napi_value library(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = NULL;
  if (pcap_version() != NULL) napi_create_string_utf8(env, pcap_version(), NAPI_AUTO_LENGTH, &result);
  return result;
}

/* Where names of devices go. */
struct names {
  napi_env env;
  napi_value list;
  uint32_t count;
};

static void take_name(void *context, const char *name) {
  struct names *names = context;
  napi_value value;
  napi_create_string_utf8(names->env, name, NAPI_AUTO_LENGTH, &value);
  napi_set_element(names->env, names->list, names->count++, value);
}

/* pcapDevices(): their names. */
static napi_value devices(napi_env env, napi_callback_info info) {
  (void)info;
  char reason[REASON_BYTES] = "";
  struct names names = {.env = env};
  napi_create_array(env, &names.list);
  return pcap_devices(take_name, &names, reason) == 0 ? names.list : fail(env, reason);
}

/* compile(filter, linkType, isFile): the instructions. */
static napi_value compile(napi_env env, napi_callback_info info) {
  char filter[WORD_BYTES_MAX];
  char reason[REASON_BYTES] = "";
  struct call call = begin(env, info);
  const char *words = text(&call, 0, filter, sizeof filter);
  int32_t link_type = integer(&call, 1);
  int32_t is_file = integer(&call, 2);
  uint32_t length = 0;
  void *data = NULL;
  napi_value buffer = NULL, result = NULL;
  if (call.is_wrong || words == NULL) return fail(env, "compile takes a filter and two numbers");
  struct instruction *instructions = pcap_program(words, link_type, is_file, &length, reason);
  if (instructions == NULL) return fail(env, reason);
  size_t size = length * sizeof *instructions;
  napi_create_arraybuffer(env, size, &data, &buffer);
  memcpy(data, instructions, size);
  free(instructions);
  napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &result);
  return result;
}

/* notify(address, words): tells the service manager that listens there. */
static napi_value notify(napi_env env, napi_callback_info info) {
  char address[REASON_BYTES], words[WORD_BYTES_MAX];
  struct call call = begin(env, info);
  const char *to = text(&call, 0, address, sizeof address);
  const char *what = text(&call, 1, words, sizeof words);
  if (call.is_wrong || to == NULL || what == NULL) return fail(env, "notify takes an address and words");
  return done(env, notify_send(to, what));
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"openRing", open_ring},
      {"openPcap", open_pcap},
      {"read", read_source},
      {"counts", count_source},
      {"fault", fault},
      {"stop", stop},
      {"close", close_source},
      {"watch", watch},
      {"arm", arm},
      {"setFilter", set_filter},
      {"promiscuous", promiscuous},
      {"interfaces", interfaces},
      {"pcapVersion", library},
      {"pcapDevices", devices},
      {"compile", compile},
      {"notify", notify},
      {"lend", lend},
      {"borrow", borrow},
      {"takeBack", take_back},
      {"share", share},
      {"keepCapabilities", keep_capabilities},
      {"limitCapabilities", limit_capabilities},
      {"keep", keep},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  owners_export(env, exports);
  program_pages_export(env, exports);
  return exports;
}
