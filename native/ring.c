/*
 * Live capture on Linux: a ring of blocks that the kernel copies packets into (AF_PACKET, TPACKET_V3).
 *
 * A block is handed over when it is full or some milliseconds old. Source: Documentation/networking/packet_mmap.rst of the
 * kernel, packet(7).
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "source.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Link types, by their number in the registry of tcpdump.org. */
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_IPV4 228
#define LINKTYPE_IPV6 229
/* Of no type that is read; such packets are counted as undecoded. */
#define LINKTYPE_OTHER 65535

/* Headers of before Linux 4.12 do not have it. */
#ifndef PACKET_FANOUT_FLAG_UNIQUEID
#define PACKET_FANOUT_FLAG_UNIQUEID 0x2000
#endif

#define ADDRESSES_BYTES 12
#define TAG_BYTES 4

struct ring {
  struct source source;
  uint8_t *memory;
  uint32_t block_bytes;
  uint32_t blocks;
  uint32_t retire_ms;
  /* The block in hand, its packets that are not given out yet, and the first of these. */
  uint32_t block;
  uint32_t left;
  uint8_t *packet;
  /* Packets of other times are left out. */
  uint64_t from;
  uint64_t until;
  struct counts counts;
};

static struct tpacket_block_desc *block_of(struct ring *ring) {
  return (struct tpacket_block_desc *)(ring->memory + (size_t)ring->block * ring->block_bytes);
}

/* Whether a packet is in hand, after the next block was taken where there is one. */
static int has_packet(struct ring *ring) {
  while (ring->left == 0) {
    struct tpacket_block_desc *block = block_of(ring);
    if (ring->packet != NULL) {
      __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
      ring->packet = NULL;
      ring->block = (ring->block + 1) % ring->blocks;
      block = block_of(ring);
    }
    if ((__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) return 0;
    ring->left = block->hdr.bh1.num_pkts;
    ring->packet = (uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
  }
  return 1;
}

static uint8_t direction_of(uint8_t packet_type) {
  if (packet_type == PACKET_OUTGOING) return DIRECTION_OUT;
  return packet_type == PACKET_OTHERHOST ? DIRECTION_UNKNOWN : DIRECTION_IN;
}

static uint16_t without_link(uint16_t protocol) {
  if (protocol == ETH_P_IP) return LINKTYPE_IPV4;
  return protocol == ETH_P_IPV6 ? LINKTYPE_IPV6 : LINKTYPE_OTHER;
}

/* Writes the packet in hand as a record at `into`; answers its bytes. */
static size_t take(const uint8_t *packet, uint8_t *into) {
  const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)packet;
  const struct sockaddr_ll *address = (const struct sockaddr_ll *)(packet + TPACKET_ALIGN(sizeof *header));
  const uint8_t *bytes = packet + header->tp_mac;
  struct record record = {
      .seconds = header->tp_sec,
      .nanoseconds = header->tp_nsec,
      .captured = header->tp_snaplen,
      .wire = header->tp_len,
      .interface = (uint32_t)address->sll_ifindex,
      .link_type = LINKTYPE_ETHERNET,
      .direction = direction_of(address->sll_pkttype),
  };
  uint8_t *at = into + RECORD_HEADER_BYTES;
  if (address->sll_hatype != ARPHRD_ETHER && address->sll_hatype != ARPHRD_LOOPBACK) {
    /* Headers of other links come in many forms; the kernel says where what they carry begins, and what it is. */
    uint32_t link = header->tp_net > header->tp_mac ? (uint32_t)(header->tp_net - header->tp_mac) : 0;
    if (link > record.captured) link = record.captured;
    bytes += link;
    record.captured -= link;
    record.wire -= link;
    record.link_type = without_link(ntohs(address->sll_protocol));
  } else if ((header->tp_status & TP_STATUS_VLAN_VALID) != 0 && record.captured >= ADDRESSES_BYTES) {
    /* The network card took the tag out of the bytes: it goes back behind the addresses. */
    uint16_t protocol = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header->hv1.tp_vlan_tpid : ETH_P_8021Q;
    uint16_t tag[2] = {htons(protocol), htons((uint16_t)header->hv1.tp_vlan_tci)};
    memcpy(at, bytes, ADDRESSES_BYTES);
    memcpy(at + ADDRESSES_BYTES, tag, TAG_BYTES);
    at += ADDRESSES_BYTES + TAG_BYTES;
    bytes += ADDRESSES_BYTES;
    memcpy(at, bytes, record.captured - ADDRESSES_BYTES);
    record.captured += TAG_BYTES;
    record.wire += TAG_BYTES;
    record_write(into, &record);
    return RECORD_HEADER_BYTES + record.captured;
  }
  memcpy(at, bytes, record.captured);
  record_write(into, &record);
  return RECORD_HEADER_BYTES + record.captured;
}

static int is_kept(const struct ring *ring, const struct tpacket3_hdr *header) {
  uint64_t at = (uint64_t)header->tp_sec << 32 | header->tp_nsec;
  return at >= __atomic_load_n(&ring->from, __ATOMIC_RELAXED) && at < __atomic_load_n(&ring->until, __ATOMIC_RELAXED);
}

static void ring_keep(struct source *source, uint64_t from, uint64_t until) {
  struct ring *ring = (struct ring *)source;
  __atomic_store_n(&ring->from, from, __ATOMIC_RELAXED);
  __atomic_store_n(&ring->until, until, __ATOMIC_RELAXED);
}

static size_t ring_read(struct source *source, uint8_t *into, size_t room) {
  struct ring *ring = (struct ring *)source;
  size_t used = 0;
  while (has_packet(ring)) {
    const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)ring->packet;
    if (RECORD_HEADER_BYTES + TAG_BYTES + (size_t)header->tp_snaplen > room - used) break;
    if (is_kept(ring, header)) used += take(ring->packet, into + used);
    ring->left -= 1;
    if (ring->left > 0) ring->packet += header->tp_next_offset;
  }
  return used;
}

/* The kernel's counters begin anew each time that they are read. */
static void ring_count(struct source *source, struct counts *counts) {
  struct ring *ring = (struct ring *)source;
  struct tpacket_stats_v3 since;
  socklen_t length = sizeof since;
  if (getsockopt(source->descriptor, SOL_PACKET, PACKET_STATISTICS, &since, &length) == 0) {
    ring->counts.packets += since.tp_packets;
    ring->counts.dropped += since.tp_drops;
    ring->counts.freezes += since.tp_freeze_q_cnt;
  }
  *counts = ring->counts;
}

/* The kernel says a fault once. That its interface has gone leaves a socket bound to none for ever, and is said each time. */
static int ring_fault(struct source *source) {
  int fault = 0;
  struct sockaddr_ll bound;
  socklen_t length = sizeof fault, size = sizeof bound;
  if (getsockopt(source->descriptor, SOL_SOCKET, SO_ERROR, &fault, &length) != 0) return errno;
  if (getsockname(source->descriptor, (struct sockaddr *)&bound, &size) == 0 && bound.sll_ifindex < 0) return ENODEV;
  return fault;
}

int ring_filter(struct source *source, const struct instruction *program, uint32_t length) {
  struct sock_fprog filter = {.len = (unsigned short)length, .filter = (struct sock_filter *)program};
  if (length > BPF_MAXINSNS) return EINVAL;
  return setsockopt(source->descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

/* Keeps every packet out. */
static const struct instruction NOTHING[] = {{BPF_RET | BPF_K, 0, 0, 0}};

static void ring_stop(struct source *source) { ring_filter(source, NOTHING, 1); }

static void ring_close(struct source *source) {
  struct ring *ring = (struct ring *)source;
  if (ring->memory != MAP_FAILED) munmap(ring->memory, (size_t)ring->block_bytes * ring->blocks);
  if (source->descriptor >= 0) close(source->descriptor);
  free(ring);
}

int ring_share(struct source *source, int *group, const struct instruction *program, uint32_t length) {
  struct sock_fprog shares = {.len = (unsigned short)length, .filter = (struct sock_filter *)program};
  int is_new = *group < 0;
  int kind = PACKET_FANOUT_CBPF | (is_new ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
  int joined = (is_new ? 0 : *group) | (kind << 16);
  socklen_t size = sizeof joined;
  if (length > BPF_MAXINSNS) return EINVAL;
  if (setsockopt(source->descriptor, SOL_PACKET, PACKET_FANOUT, &joined, sizeof joined) != 0) return errno;
  if (!is_new) return 0;
  if (setsockopt(source->descriptor, SOL_PACKET, PACKET_FANOUT_DATA, &shares, sizeof shares) != 0) return errno;
  if (getsockopt(source->descriptor, SOL_PACKET, PACKET_FANOUT, &joined, &size) != 0) return errno;
  *group = joined & 0xffff;
  return 0;
}

int ring_promiscuous(struct source *source, int interface) {
  struct packet_mreq request = {.mr_ifindex = interface, .mr_type = PACKET_MR_PROMISC};
  return setsockopt(source->descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) == 0 ? 0 : errno;
}

/* Sets the socket up: version, filter and ring before the bind, so that no packet comes in by another way. */
static const char *set_up(struct ring *ring, const struct ring_options *options) {
  int descriptor = ring->source.descriptor;
  int version = TPACKET_V3;
  int on = 1;
  struct tpacket_req3 request = {
      .tp_block_size = options->block_bytes,
      .tp_block_nr = options->blocks,
      .tp_frame_size = TPACKET_ALIGNMENT << 7,
      .tp_frame_nr = options->block_bytes / (TPACKET_ALIGNMENT << 7) * options->blocks,
      .tp_retire_blk_tov = options->retire_ms,
  };
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = options->interface};
  size_t bytes = (size_t)options->block_bytes * options->blocks;
  if (setsockopt(descriptor, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) return "TPACKET_V3";
  errno = ring_filter(&ring->source, options->program, options->program_length);
  if (errno != 0) return "its filter";
  if (setsockopt(descriptor, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0) return "its ring";
  ring->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (ring->memory == MAP_FAILED) return "its ring";
  /* The time is then taken where the packet comes in, once for all who listen. */
  setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) return "its interface";
  return NULL;
}

struct source *ring_open(const struct ring_options *options, char *reason) {
  struct ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) {
    snprintf(reason, REASON_BYTES, "there is no memory");
    return NULL;
  }
  ring->source = (struct source){
      .descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0),
      .read = ring_read,
      .count = ring_count,
      .keep = ring_keep,
      .fault = ring_fault,
      .stop = ring_stop,
      .settle_ms = 3 * (int)options->retire_ms + 10,
      .close = ring_close,
  };
  ring->memory = MAP_FAILED;
  ring->until = UINT64_MAX;
  ring->block_bytes = options->block_bytes;
  ring->blocks = options->blocks;
  const char *what = ring->source.descriptor < 0 ? "a packet socket" : set_up(ring, options);
  if (what == NULL) return &ring->source;
  snprintf(reason, REASON_BYTES, "%s: %s", what, strerror(errno));
  ring_close(&ring->source);
  return NULL;
}

#else

struct source *ring_open(const struct ring_options *options, char *reason) {
  (void)options;
  snprintf(reason, REASON_BYTES, "only Linux has rings of packets");
  return NULL;
}

int ring_filter(struct source *source, const struct instruction *program, uint32_t length) {
  (void)source, (void)program, (void)length;
  return -1;
}

int ring_share(struct source *source, int *group, const struct instruction *program, uint32_t length) {
  (void)source, (void)group, (void)program, (void)length;
  return -1;
}

int ring_promiscuous(struct source *source, int interface) {
  (void)source, (void)interface;
  return -1;
}

#endif
