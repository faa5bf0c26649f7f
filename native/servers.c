/*
 * Whose server takes a connection: the process whose socket listens.
 *
 * Several programs may listen on one port with a socket each, and the kernel chooses among them for each connection. Only the socket of the
 * connection itself then tells which of them took it. Where that has gone, what they all have in common is told, and nothing else.
 *
 * A program may begin to listen beside another at any time. So what was seen of a port is of use for connections that began before it was
 * looked at; others have it looked at anew.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "owner.h"

#ifdef __linux__

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REMEMBERED_MAX 256
#define SHARING_MAX 64
/* A process is what it was for so long. */
#define VALID_NS 2000000000ull
/* And a socket is kept for a service for so long: who keeps on asking would have all processes gone through each time. */
#define KEPT_NS 100000000ull
/* Addresses are not used again sooner than this after a connection that ended well. */
#define REUSE_NS 900000000ull
/* To look at ports may take this part of the time that goes by, saved up to a limit. */
#define SHARE 32
#define SAVED_MAX_NS 20000000ll
#define SECOND_NS 1000000000ull
/* The command that keeps a published port. */
#define PORT_KEEPER "docker-proxy"
#define STATE_ESTABLISHED 1
#define STATE_SYN_RECEIVED 3
#define STATE_CLOSE_WAIT 8

/* Whose a socket is. */
struct named {
  uint64_t until_ns;
  struct owner owner;
};

/* Who may take what comes to a port, as it was at a time: the socket with this cookie, and those beside it. */
struct port {
  uint64_t cookie;
  uint64_t looked_ns;
  int count;
  struct socket_state sockets[SHARING_MAX];
};

struct servers {
  int diag;
  struct search *search;
  int64_t saved_ns;
  uint64_t saved_at_ns;
  struct named named[REMEMBERED_MAX];
  /* When sockets were seen that have no other beside them, by their cookies. */
  struct {
    uint64_t cookie;
    uint64_t looked_ns;
  } alone[REMEMBERED_MAX];
  /* The one that several share, which was looked at last. */
  struct port shared;
};

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

struct servers *servers_open(int diag, struct search *search) {
  struct servers *servers = calloc(1, sizeof *servers);
  if (servers == NULL) return NULL;
  servers->diag = diag;
  servers->search = search;
  servers->saved_ns = SAVED_MAX_NS;
  servers->saved_at_ns = clock_ns(CLOCK_MONOTONIC);
  return servers;
}

void servers_close(struct servers *servers) { free(servers); }

/* Looks who may take a flow, unless that was seen since it began; the number of sockets, -1 where they are not known and 0 where there is no time left. */
static int look_at_port(struct servers *servers, const struct flow *flow, uint64_t time_ns, uint64_t cookie) {
  struct port *shared = &servers->shared;
  int place = (int)(cookie % REMEMBERED_MAX);
  if (servers->alone[place].cookie == cookie && servers->alone[place].looked_ns >= time_ns) return 1;
  if (shared->cookie == cookie && shared->looked_ns >= time_ns) return shared->count;
  uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  servers->saved_ns += (int64_t)((start_ns - servers->saved_at_ns) / SHARE);
  servers->saved_at_ns = start_ns;
  if (servers->saved_ns > SAVED_MAX_NS) servers->saved_ns = SAVED_MAX_NS;
  if (servers->saved_ns <= 0) return 0;
  uint64_t looked_ns = clock_ns(CLOCK_REALTIME);
  shared->cookie = cookie;
  shared->looked_ns = looked_ns;
  shared->count = diag_list_listening(servers->diag, flow, shared->sockets, SHARING_MAX);
  servers->saved_ns -= (int64_t)(clock_ns(CLOCK_MONOTONIC) - start_ns);
  if (shared->count == 1) servers->alone[place].cookie = cookie, servers->alone[place].looked_ns = looked_ns;
  return shared->count == 0 ? -1 : shared->count;
}

/* Whether the process is there still that was named, where one was: another may have its socket now. */
static int lives(const struct owner *owner) {
  return owner->outcome != OWNER_KNOWN || kill((pid_t)owner->pid, 0) == 0 || errno != ESRCH;
}

/* Finds out whose a socket that listens is. */
static void name(struct servers *servers, uint64_t time_ns, struct owner *owner) {
  struct named *known = &servers->named[owner->socket.cookie % REMEMBERED_MAX];
  uint64_t at_ns = clock_ns(CLOCK_MONOTONIC);
  if (known->owner.socket.cookie == owner->socket.cookie && at_ns < known->until_ns && lives(&known->owner)) {
    *owner = known->owner;
    return;
  }
  owner->outcome = OWNER_GONE;
  if (owner->socket.inode != 0) search_process(servers->search, time_ns, 1, owner);
  /* It listens still when it is asked for again, and the search goes on where it stopped. */
  if (owner->outcome == OWNER_BUSY) owner->outcome = OWNER_PENDING;
  else *known = (struct named){.until_ns = at_ns + (owner->outcome == OWNER_PENDING ? KEPT_NS : VALID_NS), .owner = *owner};
}

static int is_same_process(const struct owner *a, const struct owner *b) {
  return a->outcome == OWNER_KNOWN && b->outcome == OWNER_KNOWN && a->pid == b->pid && a->start_ticks == b->start_ticks;
}

/* Leaves of a server what it has in common with another. */
static void keep_common(struct owner *owner, const struct owner *other) {
  if (owner->outcome != other->outcome) owner->outcome = OWNER_SHARED;
  if (owner->pid != other->pid || owner->start_ticks != other->start_ticks) owner->pid = 0;
  if (strcmp(owner->command, other->command) != 0 || strcmp(owner->cgroup_path, other->cgroup_path) != 0)
    owner->outcome = OWNER_SHARED;
  if (owner->socket.cgroup != other->socket.cgroup) owner->socket.cgroup = 0;
  /* Without a socket nothing is told of it. */
  if (owner->socket.user != other->socket.user) owner->socket.inode = 0, owner->outcome = OWNER_SHARED;
}

/*
 * Looks at the connection's own socket. The kernel chooses the same server for the same addresses as long as the same listen; so what has
 * the addresses soon after the connection began is this one, or has the same server.
 */
static void find_taker(struct servers *servers, const struct flow *flow, uint64_t time_ns, const struct owner *all, int count, struct owner *owner) {
  owner->outcome = OWNER_SHARED;
  if (flow->protocol != IPPROTO_TCP || clock_ns(CLOCK_REALTIME) > time_ns + REUSE_NS) return;
  if (diag_find(servers->diag, flow, &owner->socket) != 0) return;
  if (owner->socket.inode != 0) return search_taker(servers->search, time_ns, all, count, owner);
  /* Nobody holds it any more, or not yet. */
  uint8_t state = owner->socket.state;
  if (state == STATE_ESTABLISHED || state == STATE_SYN_RECEIVED || state == STATE_CLOSE_WAIT) owner->outcome = OWNER_PENDING;
}

/* Finds whose a server is by who listens. */
static void find_listener(struct servers *servers, const struct flow *flow, uint64_t time_ns, struct owner *owner) {
  struct owner all[SHARING_MAX];
  int count = look_at_port(servers, flow, time_ns, owner->socket.cookie);
  int is_one = 1;
  if (count == 1) return name(servers, time_ns, owner);
  owner->outcome = count == 0 ? OWNER_PENDING : OWNER_SHARED;
  owner->socket.inode = 0;
  if (count <= 0) return;
  for (int i = 0; i < count; i++) {
    all[i] = (struct owner){.socket = servers->shared.sockets[i]};
    name(servers, time_ns, &all[i]);
    if (all[i].outcome == OWNER_PENDING) owner->outcome = OWNER_PENDING;
    is_one &= is_same_process(&all[0], &all[i]);
  }
  if (is_one) *owner = all[0];
  if (is_one || owner->outcome == OWNER_PENDING) return;
  struct owner common = all[0];
  for (int i = 1; i < count; i++) keep_common(&common, &all[i]);
  find_taker(servers, flow, time_ns, all, count, owner);
  if (owner->outcome != OWNER_KNOWN && owner->outcome != OWNER_PENDING) *owner = common;
}

/*
 * Whether rules of the kernel take a flow past who listens, as those of a published port do: to another namespace, where its socket is.
 * What Docker begins at such a port keeps the port, and takes what comes over loopback.
 */
static int passes_by(const struct servers *servers, const struct flow *flow, const struct owner *owner) {
  struct socket_state own;
  if (owner->outcome != OWNER_KNOWN || strcmp(owner->command, PORT_KEEPER) != 0) return 0;
  return flow->protocol != IPPROTO_TCP || diag_find(servers->diag, flow, &own) != 0;
}

void servers_find(struct servers *servers, const struct flow *flow, uint64_t time_ns, struct owner *owner) {
  find_listener(servers, flow, time_ns, owner);
  if (!passes_by(servers, flow, owner)) return;
  owner->outcome = OWNER_DOUBTFUL;
  owner->socket.inode = 0;
}

#endif
