/*
 * Capture and filters by libpcap, which is looked for when it is first wanted: neither building nor running needs it.
 *
 * What is declared here is what pcap(3PCAP) has promised since 1.5.
 */
#include "source.h"

#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LIBPCAP_REASON_BYTES 256
#define PRECISION_NANO 1
#define DLT_LINUX_SLL 113
#define DLT_LINUX_SLL2 276
#define NETMASK_UNKNOWN 0xffffffff
#define SNAP_LENGTH 262144
/* DLT_RAW, of which the number in files is another. */
#define DLT_RAW 12
#define LINKTYPE_RAW 101

struct pcap_header {
  struct timeval time; /* nanoseconds where microseconds are said, in the precision that was asked for */
  uint32_t captured;
  uint32_t wire;
};

struct pcap_program {
  unsigned int length;
  struct instruction *instructions;
};

struct pcap_statistics {
  unsigned int received, dropped, dropped_by_interface;
};

/* How lists of devices begin. */
struct pcap_device {
  struct pcap_device *next;
  char *name;
};

/* The functions of libpcap that are used. */
static struct {
  void *(*create)(const char *, char *);
  int (*set_snaplen)(void *, int);
  int (*set_promisc)(void *, int);
  int (*set_timeout)(void *, int);
  int (*set_buffer_size)(void *, int);
  int (*set_tstamp_precision)(void *, int);
  int (*activate)(void *);
  int (*datalink)(void *);
  int (*set_datalink)(void *, int);
  int (*setnonblock)(void *, int, char *);
  int (*get_selectable_fd)(void *);
  int (*next_ex)(void *, struct pcap_header **, const uint8_t **);
  int (*stats)(void *, struct pcap_statistics *);
  int (*compile)(void *, struct pcap_program *, const char *, int, uint32_t);
  int (*setfilter)(void *, struct pcap_program *);
  void (*freecode)(struct pcap_program *);
  void *(*open_dead)(int, int);
  void *(*fopen_offline)(FILE *, char *);
  int (*findalldevs)(struct pcap_device **, char *);
  void (*freealldevs)(struct pcap_device *);
  char *(*geterr)(void *);
  const char *(*statustostr)(int);
  const char *(*lib_version)(void);
  void (*close)(void *);
} pcap;

static const char *version;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void open_library(void) {
  static const char *const names[] = {"libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.A.dylib", "libpcap.dylib"};
  static const struct {
    const char *name;
    void *at;
  } functions[] = {
      {"pcap_create", &pcap.create},           {"pcap_set_snaplen", &pcap.set_snaplen},
      {"pcap_set_promisc", &pcap.set_promisc}, {"pcap_set_timeout", &pcap.set_timeout},
      {"pcap_activate", &pcap.activate},       {"pcap_set_buffer_size", &pcap.set_buffer_size},
      {"pcap_datalink", &pcap.datalink},       {"pcap_set_tstamp_precision", &pcap.set_tstamp_precision},
      {"pcap_compile", &pcap.compile},         {"pcap_set_datalink", &pcap.set_datalink},
      {"pcap_stats", &pcap.stats},             {"pcap_setnonblock", &pcap.setnonblock},
      {"pcap_next_ex", &pcap.next_ex},         {"pcap_get_selectable_fd", &pcap.get_selectable_fd},
      {"pcap_setfilter", &pcap.setfilter},     {"pcap_freecode", &pcap.freecode},
      {"pcap_open_dead", &pcap.open_dead},     {"pcap_findalldevs", &pcap.findalldevs},
      {"pcap_geterr", &pcap.geterr},           {"pcap_freealldevs", &pcap.freealldevs},
      {"pcap_close", &pcap.close},             {"pcap_statustostr", &pcap.statustostr},
      {"pcap_lib_version", &pcap.lib_version}, {"pcap_fopen_offline", &pcap.fopen_offline},
  };
  void *library = NULL;
  const char *named = getenv("TALLYWIRE_LIBPCAP");
  if (named != NULL && *named != 0) library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
  else for (size_t i = 0; i < sizeof names / sizeof *names && library == NULL; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *found = dlsym(library, functions[i].name);
    if (found == NULL) return;
    memcpy(functions[i].at, &found, sizeof found);
  }
  version = pcap.lib_version();
}

const char *pcap_version(void) {
  pthread_once(&opened, open_library);
  return version;
}

static int is_there(char *reason) {
  if (pcap_version() != NULL) return 1;
  snprintf(reason, REASON_BYTES, "libpcap is not installed");
  return 0;
}

struct pcap_source {
  struct source source;
  void *handle;
  uint16_t link_type;
  uint32_t interface;
  int fault;
  /* A packet that found no room in the last read. */
  struct pcap_header *header;
  const uint8_t *bytes;
};

static size_t pcap_read(struct source *source, uint8_t *into, size_t room) {
  struct pcap_source *own = (struct pcap_source *)source;
  size_t used = 0;
  while (1) {
    if (own->bytes == NULL) {
      int found = pcap.next_ex(own->handle, &own->header, &own->bytes);
      if (found < 0) own->fault = ENETDOWN;
      if (found <= 0) own->bytes = NULL;
      if (found <= 0) return used;
    }
    if (RECORD_HEADER_BYTES + (size_t)own->header->captured > room - used) return used;
    struct record record = {
        .seconds = (uint32_t)own->header->time.tv_sec,
        .nanoseconds = (uint32_t)own->header->time.tv_usec,
        .captured = own->header->captured,
        .wire = own->header->wire,
        .interface = own->interface,
        .link_type = own->link_type,
        .direction = DIRECTION_UNKNOWN,
    };
    record_write(into + used, &record);
    memcpy(into + used + RECORD_HEADER_BYTES, own->bytes, record.captured);
    used += RECORD_HEADER_BYTES + record.captured;
    own->bytes = NULL;
  }
}

static void pcap_count(struct source *source, struct counts *counts) {
  struct pcap_statistics all = {0, 0, 0};
  pcap.stats(((struct pcap_source *)source)->handle, &all);
  *counts = (struct counts){.packets = (uint64_t)all.received, .dropped = (uint64_t)all.dropped + all.dropped_by_interface};
}

static int pcap_fault(struct source *source) { return ((struct pcap_source *)source)->fault; }

/* Another filter would be put to what waits already, so libpcap goes on to take packets until it is closed. */
static void pcap_stop(struct source *source) { (void)source; }

static void pcap_source_close(struct source *source) {
  pcap.close(((struct pcap_source *)source)->handle);
  free(source);
}

/* Has a handle take only what a filter takes; answers what is wrong, NULL where nothing is. */
static const char *narrow(void *handle, const char *filter) {
  struct pcap_program program;
  if (pcap.compile(handle, &program, filter, 1, NETMASK_UNKNOWN) != 0) return pcap.geterr(handle);
  int set = pcap.setfilter(handle, &program);
  pcap.freecode(&program);
  return set == 0 ? NULL : pcap.geterr(handle);
}

/* Sets a handle up and activates it; answers what is wrong, NULL where nothing is. */
static const char *activate(void *handle, const struct pcap_options *options, char *reason) {
  pcap.set_snaplen(handle, options->snap_length);
  pcap.set_promisc(handle, options->promiscuous);
  pcap.set_timeout(handle, options->timeout_ms);
  pcap.set_buffer_size(handle, options->buffer_bytes);
  pcap.set_tstamp_precision(handle, PRECISION_NANO);
  int status = pcap.activate(handle);
  if (status < 0) {
    const char *more = pcap.geterr(handle);
    return more != NULL && *more != 0 ? more : pcap.statustostr(status);
  }
  if (pcap.datalink(handle) == DLT_LINUX_SLL) pcap.set_datalink(handle, DLT_LINUX_SLL2);
  const char *wrong = options->filter == NULL ? NULL : narrow(handle, options->filter);
  if (wrong != NULL) return wrong;
  return pcap.setnonblock(handle, 1, reason) == 0 ? NULL : reason;
}

struct source *pcap_source_open(const struct pcap_options *options, char *reason) {
  char said[LIBPCAP_REASON_BYTES] = "";
  if (!is_there(reason)) return NULL;
  void *handle = pcap.create(options->device, said);
  const char *wrong = handle == NULL ? said : activate(handle, options, said);
  struct pcap_source *own = wrong == NULL ? calloc(1, sizeof *own) : NULL;
  if (own == NULL) {
    snprintf(reason, REASON_BYTES, "%s", wrong == NULL ? "there is no memory" : wrong);
    if (handle != NULL) pcap.close(handle);
    return NULL;
  }
  own->source = (struct source){
      .descriptor = pcap.get_selectable_fd(handle),
      .read = pcap_read,
      .count = pcap_count,
      .fault = pcap_fault,
      .stop = pcap_stop,
      .settle_ms = 3 * options->timeout_ms + 10,
      .close = pcap_source_close,
  };
  own->handle = handle;
  own->link_type = (uint16_t)pcap.datalink(handle);
  own->interface = if_nametoindex(options->device);
  return &own->source;
}

/* How a capture file begins, which is all of it that filters are compiled for. */
struct file_header {
  uint32_t magic;
  uint16_t major, minor;
  uint32_t zone, accuracy, snap_length, link_type;
};

/* A handle that filters of a link type can be compiled with; NULL and a reason where that fails. */
static void *open_for(struct file_header *header, int is_file, char *reason) {
  if (!is_file) return pcap.open_dead(header->link_type == LINKTYPE_RAW ? DLT_RAW : (int)header->link_type, SNAP_LENGTH);
  FILE *file = fmemopen(header, sizeof *header, "r");
  void *handle = file == NULL ? NULL : pcap.fopen_offline(file, reason);
  if (handle == NULL && file != NULL) fclose(file);
  return handle;
}

struct instruction *pcap_program(const char *filter, int link_type, int is_file, uint32_t *length, char *reason) {
  char said[LIBPCAP_REASON_BYTES] = "there is no memory";
  struct pcap_program program;
  struct instruction *copy = NULL;
  if (!is_there(reason)) return NULL;
  struct file_header header = {
      .magic = 0xa1b2c3d4, .major = 2, .minor = 4, .snap_length = SNAP_LENGTH, .link_type = (uint32_t)link_type};
  void *handle = open_for(&header, is_file, said);
  if (handle == NULL) {
    snprintf(reason, REASON_BYTES, "%s", said);
    return NULL;
  }
  if (pcap.compile(handle, &program, filter, 1, NETMASK_UNKNOWN) == 0) {
    *length = program.length;
    copy = malloc(program.length * sizeof *copy + 1);
    if (copy != NULL) memcpy(copy, program.instructions, program.length * sizeof *copy);
    pcap.freecode(&program);
  }
  if (copy == NULL) snprintf(reason, REASON_BYTES, "%s", pcap.geterr(handle));
  pcap.close(handle);
  return copy;
}

int pcap_devices(void (*take)(void *, const char *name), void *context, char *reason) {
  char said[LIBPCAP_REASON_BYTES] = "";
  struct pcap_device *first = NULL;
  if (!is_there(reason)) return -1;
  if (pcap.findalldevs(&first, said) != 0) {
    snprintf(reason, REASON_BYTES, "%s", said);
    return -1;
  }
  for (struct pcap_device *device = first; device != NULL; device = device->next) take(context, device->name);
  pcap.freealldevs(first);
  return 0;
}
