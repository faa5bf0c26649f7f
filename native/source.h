/*
 * Sources of packets: what a capture library or the kernel gives, as records of the core's live input.
 *
 * | seconds u32 | nanoseconds u32 | captured u32 | wire u32 | interface u32 | link type u16 | direction u8 | 0 u8 | bytes ... |
 *
 * Least significant byte first, no padding (assembly/capture/live.ts).
 */
#ifndef TALLYWIRE_SOURCE_H
#define TALLYWIRE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RECORD_HEADER_BYTES 24
#define REASON_BYTES 256

enum { DIRECTION_UNKNOWN = 0, DIRECTION_IN = 1, DIRECTION_OUT = 2 };

/* What was counted since the source was opened. */
struct counts {
  uint64_t packets; /* that reached the source, those that found no room among them */
  uint64_t dropped; /* that found no room */
  uint64_t freezes; /* how often the ring was full, where there is one */
};

/* One instruction of classic BPF, as Linux and libpcap have it. */
struct instruction {
  uint16_t code;
  uint8_t jump_true;
  uint8_t jump_false;
  uint32_t k;
};

struct record {
  uint32_t seconds;
  uint32_t nanoseconds;
  uint32_t captured;
  uint32_t wire;
  uint32_t interface;
  uint16_t link_type;
  uint8_t direction;
  uint8_t zero;
};

/* A source; each kind begins with this. */
struct source {
  /* Becomes readable when there are packets; -1 where that cannot be told. */
  int descriptor;
  /* Puts whole records at `into` as far as `room` goes, which is more than the longest takes; answers their bytes. */
  size_t (*read)(struct source *, uint8_t *into, size_t room);
  void (*count)(struct source *, struct counts *);
  /*
   * Only packets of a time are given out, from the one to before the other: seconds since 1970, with nanoseconds in the lower half. Another
   * thread than the reader's may change them. Absent where a source cannot.
   */
  void (*keep)(struct source *, uint64_t from, uint64_t until);
  /* Why it brings nothing more, as an errno; 0 where it does. */
  int (*fault)(struct source *);
  /* Lets no further packet in, where it can. What was taken until then can be read within `settle_ms`. */
  void (*stop)(struct source *);
  int settle_ms;
  void (*close)(struct source *);
  /* Who has it: the source closes with the last. */
  int holders;
};

/* Writes a record's header. */
static inline void record_write(uint8_t *into, const struct record *record) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(into, record, RECORD_HEADER_BYTES);
#else
#error "records are little-endian; this processor needs its bytes turned here"
#endif
}

struct ring_options {
  int interface; /* 0 for all */
  uint32_t block_bytes;
  uint32_t blocks;
  uint32_t retire_ms;
  const struct instruction *program;
  uint32_t program_length;
};

/* Opens a ring of AF_PACKET; NULL and a reason where that fails. */
struct source *ring_open(const struct ring_options *, char *reason);
/* Changes the filter of a ring; 0 or an errno. */
int ring_filter(struct source *, const struct instruction *, uint32_t length);
/*
 * Puts a ring into a group, of which each packet goes to one ring, by the number that the program answers for it. A group below 0 makes one;
 * the number of the group is put there. 0 or an errno.
 */
int ring_share(struct source *, int *group, const struct instruction *, uint32_t length);
/* Has an interface take what is not meant for this host too, until the ring closes; 0 or an errno. */
int ring_promiscuous(struct source *, int interface);

struct pcap_options {
  const char *device;
  int snap_length;
  int buffer_bytes;
  int timeout_ms;
  int promiscuous;
  const char *filter; /* NULL for all */
};

/* The version of libpcap, opened when it is first asked for; NULL where there is none. */
const char *pcap_version(void);
/* Opens a device by libpcap; NULL and a reason where that fails. */
struct source *pcap_source_open(const struct pcap_options *, char *reason);
/*
 * Compiles a filter for packets of a link type, by its number in the registry of tcpdump.org, that come from an interface or out of a
 * file. The instructions are to be freed. NULL and a reason where that fails.
 */
struct instruction *pcap_program(const char *filter, int link_type, int is_file, uint32_t *length, char *reason);
/* Has this thread keep its capabilities when it stops being root's; 0 or an errno. */
int capabilities_keep(void);
/* Leaves this thread the capabilities whose bits these are, of the first 32, and no way to any other; 0 or an errno. */
int capabilities_limit(uint32_t kept);
/* Calls `take` for each device that libpcap lists; 0, or -1 and a reason. */
int pcap_devices(void (*take)(void *, const char *name), void *context, char *reason);

#endif
