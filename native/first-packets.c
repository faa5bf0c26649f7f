/*
 * Who opened a connection, looked up in the moment its first packet goes out.
 *
 * Packets reach the core some milliseconds after they were on the wire, when who sent them may be gone. So a socket of its own takes
 * nothing but first packets that this host sends, the SYN of TCP and queries to port 53 over UDP, and a thread looks each up at once:
 * the socket by its addresses, then the process. What was found is kept until the core asks for it.
 *
 * A later connection with the same addresses may have taken the place of a socket before it was looked up. Its first packet then comes by
 * as well, so an answer is given only once all first packets until its look-up are seen, and not where two of them met one socket.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "owner.h"

#include <stddef.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEPT_MAX 4096
#define PACKET_BYTES 128
#define QUEUE_BYTES (1 << 20)
#define NICE -10
/* Nobody sees a packet sooner than what takes it as it is sent, but times may be cut to microseconds. */
#define SKEW_NS 20000ull
/* Addresses are not used again sooner than this after a connection that ended well. */
#define REUSE_NS 900000000ull
#define DOUBT_TRIES_MAX 4
#define DOUBT_WAIT_MS 1
#define DOUBTS_MAX 64
#define SCAN_MAX_NS 50000000ull
#define NONE -1

#define V4_PROTOCOL 9
#define V4_SOURCE 12
#define V4_DESTINATION 16
#define V6_NEXT 6
#define V6_SOURCE 8
#define V6_DESTINATION 24
#define V6_HEADER_BYTES 40
#define TCP_SEQUENCE 4
#define TCP_FLAGS 13
#define DESTINATION_PORT 2
#define FLAG_SYN_ACK 0x12
#define FLAG_SYN 0x02
#define PORT_DNS 53

/* A first packet, and whose it is. */
struct first {
  struct flow flow;
  uint64_t time_ns;
  uint64_t looked_ns;
  uint32_t sequence;
  int tries;
  int next; /* in its bucket */
  struct owner owner;
};

struct first_packets {
  int packets;
  int diag;
  int pipe[2];
  pthread_t thread;
  pthread_mutex_t lock;
  struct search *search;
  /* All that was sent until then has been looked at. */
  uint64_t settled_ns;
  int is_looking;
  int newest;
  int count;
  int buckets[KEPT_MAX];
  struct first kept[KEPT_MAX];
};

/* Takes what this host sends, which is on loopback one of two copies. */
static const struct sock_filter FILTER[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 22),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 11),
    /* Pieces behind the first have no ports. */
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 18, 0),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, V4_PROTOCOL),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_IND, TCP_FLAGS),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FLAG_SYN_ACK),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FLAG_SYN, 13, 12),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 11),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, DESTINATION_PORT),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT_DNS, 10, 9),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 8),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, V6_NEXT),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, V6_HEADER_BYTES + TCP_FLAGS),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FLAG_SYN_ACK),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FLAG_SYN, 4, 3),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 2),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, V6_HEADER_BYTES + DESTINATION_PORT),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT_DNS, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, PACKET_BYTES),
};

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint32_t u32_at(const uint8_t *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

static uint16_t u16_at(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

/* Reads the ends of a packet; 0 where it is not whole. */
static int parse(const uint8_t *packet, size_t length, struct first *first) {
  struct flow *flow = &first->flow;
  int is_v4 = length > 0 && packet[0] >> 4 == 4;
  size_t header = is_v4 ? (size_t)(packet[0] & 15) * 4 : V6_HEADER_BYTES;
  size_t address = is_v4 ? 4 : ADDRESS_BYTES;
  if (length < header + 8 || (is_v4 && header < 20)) return 0;
  flow->family = is_v4 ? AF_INET : AF_INET6;
  flow->protocol = packet[is_v4 ? V4_PROTOCOL : V6_NEXT];
  memcpy(flow->local, packet + (is_v4 ? V4_SOURCE : V6_SOURCE), address);
  memcpy(flow->remote, packet + (is_v4 ? V4_DESTINATION : V6_DESTINATION), address);
  flow->local_port = u16_at(packet + header);
  flow->remote_port = u16_at(packet + header + DESTINATION_PORT);
  first->sequence = flow->protocol == IPPROTO_TCP ? u32_at(packet + header + TCP_SEQUENCE) : 0;
  return 1;
}

static int is_same(const struct flow *a, const struct flow *b) {
  return a->family == b->family && a->protocol == b->protocol && a->local_port == b->local_port &&
         a->remote_port == b->remote_port && memcmp(a->local, b->local, ADDRESS_BYTES) == 0 &&
         memcmp(a->remote, b->remote, ADDRESS_BYTES) == 0;
}

static int *bucket_of(struct first_packets *all, const struct flow *flow) {
  uint32_t hash = 2166136261u ^ flow->protocol ^ ((uint32_t)flow->local_port << 16 | flow->remote_port);
  for (int i = 0; i < ADDRESS_BYTES; i++) hash = (hash ^ flow->local[i] ^ (uint32_t)flow->remote[i] << 8) * 16777619u;
  return &all->buckets[(hash ^ hash >> 15) % KEPT_MAX];
}

static void forget(struct first_packets *all, int place) {
  int *link = bucket_of(all, &all->kept[place].flow);
  while (*link != place && *link != NONE) link = &all->kept[*link].next;
  if (*link == place) *link = all->kept[place].next;
}

/* The last first packet between these ends, that was sent until a time: a bucket begins with what came last. */
static struct first *latest(struct first_packets *all, const struct flow *flow, uint64_t until_ns) {
  for (int at = *bucket_of(all, flow); at != NONE; at = all->kept[at].next) {
    struct first *first = &all->kept[at];
    if (first->time_ns <= until_ns && is_same(&first->flow, flow)) return first;
  }
  return NULL;
}

/* Finds out whose a first packet is. */
static void look_up(struct first_packets *all, struct first *first) {
  struct owner owner = {.outcome = OWNER_GONE};
  if (diag_find(all->diag, &first->flow, &owner.socket) == 0 && owner.socket.inode != 0)
    search_process(all->search, first->time_ns, 0, &owner);
  pthread_mutex_lock(&all->lock);
  first->owner = owner;
  first->looked_ns = now_ns();
  first->tries++;
  pthread_mutex_unlock(&all->lock);
}

/* Keeps a first packet, and its owner; one that is sent again is known. */
static void take(struct first_packets *all, const struct first *sent) {
  pthread_mutex_lock(&all->lock);
  struct first *before = latest(all, &sent->flow, UINT64_MAX);
  int is_again = before != NULL && sent->flow.protocol == IPPROTO_TCP && before->sequence == sent->sequence;
  if (is_again) {
    pthread_mutex_unlock(&all->lock);
    return;
  }
  all->newest = (all->newest + 1) % KEPT_MAX;
  struct first *first = &all->kept[all->newest];
  if (all->count < KEPT_MAX) all->count++;
  else forget(all, all->newest);
  if (before == first) before = NULL;
  *first = *sent;
  int *bucket = bucket_of(all, &first->flow);
  first->next = *bucket;
  *bucket = all->newest;
  pthread_mutex_unlock(&all->lock);
  look_up(all, first);
  if (before == NULL || before->owner.socket.cookie != first->owner.socket.cookie) return;
  if (sent->flow.protocol != IPPROTO_TCP || before->owner.outcome != OWNER_KNOWN) return;
  pthread_mutex_lock(&all->lock);
  before->owner.outcome = OWNER_DOUBTFUL;
  before->tries = DOUBT_TRIES_MAX;
  pthread_mutex_unlock(&all->lock);
}

/* Reads a packet and when it was sent, which is 0 where nobody says; its length, or -1 where there is none. */
static ssize_t read_packet(struct first_packets *all, int how, uint8_t *packet, struct first *sent) {
  uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
  struct sockaddr_ll from;
  struct iovec into = {.iov_base = packet, .iov_len = PACKET_BYTES};
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &into,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  ssize_t length = recvmsg(all->packets, &message, MSG_DONTWAIT | how);
  if (length < 0) return -1;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    struct timespec time;
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&time, CMSG_DATA(one), sizeof time);
    sent->time_ns = (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
  }
  sent->flow.interface = (uint32_t)from.sll_ifindex;
  return length;
}

/* Notes that all until a packet was sent have been looked at. */
static void settle_until(struct first_packets *all, uint64_t time_ns) {
  if (time_ns > all->settled_ns) all->settled_ns = time_ns;
}

/* Takes one packet; 0 where there is none. All that were sent before it have been looked at. */
static int receive(struct first_packets *all) {
  uint8_t packet[PACKET_BYTES];
  struct first sent = {.time_ns = 0};
  pthread_mutex_lock(&all->lock);
  ssize_t length = read_packet(all, 0, packet, &sent);
  all->is_looking = length >= 0;
  settle_until(all, sent.time_ns);
  pthread_mutex_unlock(&all->lock);
  if (length < 0) return 0;
  if (sent.time_ns != 0 && parse(packet, (size_t)length, &sent)) take(all, &sent);
  return 1;
}

/* A process' doubt may go with another look: what it has run is counted when it rests. */
static int is_in_doubt(const struct first *first) {
  return first->owner.outcome == OWNER_DOUBTFUL && first->tries < DOUBT_TRIES_MAX;
}

/* How many are in doubt of those that came last, after another look at each where that is wanted. */
static int doubts(struct first_packets *all, int looks) {
  int count = 0;
  for (int i = 0, at = all->newest; i < all->count && i < DOUBTS_MAX; i++, at = (at + KEPT_MAX - 1) % KEPT_MAX) {
    struct first *first = &all->kept[at];
    if (!is_in_doubt(first)) continue;
    if (looks) look_up(all, first);
    count += is_in_doubt(first);
  }
  return count;
}

static void *run(void *context) {
  struct first_packets *all = context;
  struct pollfd waits[2] = {{.fd = all->pipe[0], .events = POLLIN}, {.fd = all->packets, .events = POLLIN}};
  int doubtful = 0;
  /* A connection may be over in a millisecond. */
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
  for (;;) {
    poll(waits, 2, doubtful > 0 ? DOUBT_WAIT_MS : -1);
    if (waits[0].revents != 0) return NULL;
    if (doubtful > 0) doubts(all, 1);
    while (receive(all)) {
    }
    doubtful = doubts(all, 0);
  }
}

static const char *set_up(struct first_packets *all) {
  struct sock_fprog filter = {.len = sizeof FILTER / sizeof *FILTER, .filter = (struct sock_filter *)FILTER};
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  int on = 1, bytes = QUEUE_BYTES;
  if (all->search == NULL) return "/proc";
  if (all->diag < 0) return "a socket of sock_diag";
  if (all->packets < 0) return "a packet socket";
  if (setsockopt(all->packets, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) return "its filter";
  if (setsockopt(all->packets, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return "its times";
  setsockopt(all->packets, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(all->packets, (struct sockaddr *)&address, sizeof address) != 0) return "its interfaces";
  if (pipe2(all->pipe, O_CLOEXEC) != 0) return "a pipe";
  return NULL;
}

static void release(struct first_packets *all) {
  if (all->search != NULL) search_close(all->search);
  for (int i = 0; i < 2; i++)
    if (all->pipe[i] >= 0) close(all->pipe[i]);
  if (all->packets >= 0) close(all->packets);
  if (all->diag >= 0) close(all->diag);
  free(all);
}

struct first_packets *first_packets_open(char *reason) {
  struct first_packets *all = calloc(1, sizeof *all);
  if (all == NULL) {
    snprintf(reason, REASON_BYTES, "there is no memory");
    return NULL;
  }
  all->search = search_open(SCAN_MAX_NS);
  all->diag = diag_open();
  all->packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  all->pipe[0] = all->pipe[1] = -1;
  all->newest = KEPT_MAX - 1;
  for (int i = 0; i < KEPT_MAX; i++) all->buckets[i] = NONE;
  pthread_mutex_init(&all->lock, NULL);
  const char *what = set_up(all);
  int fault = what == NULL ? pthread_create(&all->thread, NULL, run, all) : errno;
  if (fault == 0) return all;
  snprintf(reason, REASON_BYTES, "%s: %s", what == NULL ? "a thread" : what, strerror(fault));
  release(all);
  return NULL;
}

void first_packets_close(struct first_packets *all) {
  while (write(all->pipe[1], "", 1) < 0 && errno == EINTR) {
  }
  pthread_join(all->thread, NULL);
  release(all);
}

/* Finds out until when all have been looked at: until the packet that waits, or until now where none does; 1 then. */
static int settle(struct first_packets *all) {
  uint8_t packet[PACKET_BYTES];
  struct first waiting = {.time_ns = 0};
  uint64_t at_ns = now_ns();
  if (all->is_looking) return 0;
  if (read_packet(all, MSG_PEEK, packet, &waiting) >= 0) settle_until(all, waiting.time_ns);
  else if (errno == EAGAIN) {
    all->settled_ns = at_ns;
    return 1;
  }
  return 0;
}

int first_packets_find(struct first_packets *all, const struct flow *flow, uint64_t time_ns, struct owner *owner) {
  pthread_mutex_lock(&all->lock);
  int is_idle = settle(all);
  struct first *first = latest(all, flow, time_ns + SKEW_NS);
  int is_followed = latest(all, flow, UINT64_MAX) != first;
  /* One that is older may be of a connection before, whose addresses were used again by one that nobody saw begin. */
  int is_there = first != NULL && first->time_ns + REUSE_NS > time_ns;
  int is_open = all->settled_ns <= time_ns + SKEW_NS;
  if (is_there) is_open |= first->looked_ns == 0 || first->looked_ns > all->settled_ns || is_in_doubt(first);
  /* It is looked up as it is now, so none may wait that has taken its place. */
  else is_open |= !is_idle;
  if (is_open) owner->outcome = OWNER_PENDING;
  else if (is_there) *owner = first->owner;
  /* What has the addresses now is a later connection's socket. */
  else if (is_followed) owner->outcome = OWNER_GONE;
  pthread_mutex_unlock(&all->lock);
  return is_there || is_open || is_followed;
}

#endif
