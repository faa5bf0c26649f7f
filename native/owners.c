/*
 * What JavaScript asks of owners: who opened a connection, and whose socket takes it.
 *
 * One thread of native/first-packets.c serves all threads of JavaScript. What it has not seen is looked up when it is asked for, and
 * named only where no other connection can be meant.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "call.h"
#include "owner.h"

#ifdef __linux__

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 1024
#define STATE_SYN_SENT 2
/* A search that was asked for keeps JavaScript waiting: once for each socket that listens, as a rule. */
#define SCAN_MAX_NS 50000000ull
#define EPHEMERAL_USUAL 32768
#define SECOND_NS 1000000000ull

struct seen {
  uint64_t cookie;
  uint64_t since_ns;
};

static struct {
  pthread_mutex_t lock;
  int users;
  int diag;
  uint16_t ephemeral_from;
  struct search *search;
  struct first_packets *first;
  struct servers *servers;
  struct seen seen[SEEN_MAX];
} owners = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static uint16_t ephemeral_from(void) {
  unsigned from = EPHEMERAL_USUAL;
  FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
  if (range == NULL) return EPHEMERAL_USUAL;
  if (fscanf(range, "%u", &from) != 1) from = EPHEMERAL_USUAL;
  fclose(range);
  return (uint16_t)from;
}

/* Whether a socket was there at a time, as an earlier question has met it. */
static int was_there(const struct socket_state *socket, uint64_t time_ns) {
  struct seen *seen = &owners.seen[socket->cookie % SEEN_MAX];
  if (seen->cookie == socket->cookie) return seen->since_ns <= time_ns;
  *seen = (struct seen){.cookie = socket->cookie, .since_ns = now_ns()};
  return 0;
}

/*
 * A datagram tells nothing of whether its socket is still the one that has its port. Ports of services stay with them; of one that the
 * kernel chose for a while, the socket must have been seen before.
 */
static int is_surely_its(const struct flow *flow, const struct socket_state *socket, uint64_t time_ns) {
  return flow->protocol == IPPROTO_TCP || flow->local_port < owners.ephemeral_from || was_there(socket, time_ns);
}

static void find_opener(const struct flow *flow, uint64_t time_ns, struct owner *owner) {
  if (first_packets_find(owners.first, flow, time_ns, owner)) return;
  owner->outcome = OWNER_GONE;
  struct socket_state socket;
  if (diag_find(owners.diag, flow, &socket) != 0 || socket.inode == 0) return;
  /* A connection that begins meanwhile has a socket before its first packet goes out. */
  if (flow->protocol == IPPROTO_TCP && socket.state == STATE_SYN_SENT) return;
  if (first_packets_find(owners.first, flow, time_ns, owner)) return;
  owner->socket = socket;
  owner->outcome = OWNER_DOUBTFUL;
  if (!is_surely_its(flow, &owner->socket, time_ns)) return;
  /* A port of a service may have several sockets, of which any may have sent. */
  if (flow->protocol != IPPROTO_TCP && flow->local_port < owners.ephemeral_from) servers_find(owners.servers, flow, time_ns, owner);
  else search_process(owners.search, time_ns, 0, owner);
}

static void find_server(const struct flow *flow, uint64_t time_ns, struct owner *owner) {
  /* Where nobody listens any more, the connection itself may still be held. */
  if (diag_find_listening(owners.diag, flow, &owner->socket) != 0) return find_opener(flow, time_ns, owner);
  owner->outcome = owner->socket.inode == 0 ? OWNER_GONE : OWNER_DOUBTFUL;
  if (owner->socket.inode != 0 && is_surely_its(flow, &owner->socket, time_ns)) servers_find(owners.servers, flow, time_ns, owner);
}

static void close_all(void) {
  if (owners.first != NULL) first_packets_close(owners.first);
  if (owners.servers != NULL) servers_close(owners.servers);
  if (owners.search != NULL) search_close(owners.search);
  if (owners.diag >= 0) close(owners.diag);
  owners.first = NULL;
  owners.servers = NULL;
  owners.search = NULL;
}

static int open_all(char *reason) {
  owners.diag = diag_open();
  owners.search = search_open(SCAN_MAX_NS);
  owners.servers = owners.diag < 0 || owners.search == NULL ? NULL : servers_open(owners.diag, owners.search);
  owners.ephemeral_from = ephemeral_from();
  owners.first = owners.servers == NULL ? NULL : first_packets_open(reason);
  if (owners.first != NULL) return 0;
  if (owners.servers == NULL) snprintf(reason, REASON_BYTES, "sock_diag or /proc cannot be read");
  close_all();
  return -1;
}

/* openOwners() */
static napi_value open_owners(napi_env env, napi_callback_info info) {
  (void)info;
  char reason[REASON_BYTES] = "";
  pthread_mutex_lock(&owners.lock);
  int fault = owners.users == 0 ? open_all(reason) : 0;
  if (fault == 0) owners.users++;
  pthread_mutex_unlock(&owners.lock);
  return fault == 0 ? NULL : fail(env, reason);
}

/* closeOwners() */
static napi_value close_owners(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  pthread_mutex_lock(&owners.lock);
  if (owners.users > 0 && --owners.users == 0) close_all();
  pthread_mutex_unlock(&owners.lock);
  return NULL;
}

static void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_set_named_property(env, object, name, number(env, value));
}

static void set_text(napi_env env, napi_value object, const char *name, const char *value) {
  napi_value string;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &string);
  napi_set_named_property(env, object, name, string);
}

static napi_value answer(napi_env env, const struct owner *owner) {
  napi_value result = NULL;
  if (owner->outcome == OWNER_PENDING) return NULL;
  napi_create_object(env, &result);
  set_number(env, result, "outcome", owner->outcome);
  if (owner->socket.inode != 0) {
    set_number(env, result, "user", owner->socket.user);
    set_number(env, result, "cgroup", (double)owner->socket.cgroup);
  }
  if (owner->outcome != OWNER_KNOWN) return result;
  if (owner->pid != 0) {
    set_number(env, result, "pid", owner->pid);
    set_number(env, result, "startTicks", (double)owner->start_ticks);
  }
  set_text(env, result, "command", owner->command);
  set_text(env, result, "cgroupPath", owner->cgroup_path);
  return result;
}

/* findOwner(isServer, protocol, local, localPort, remote, remotePort, interface, seconds, nanoseconds): undefined while it is not known. */
static napi_value find_owner(napi_env env, napi_callback_info info) {
  size_t local_length = 0, remote_length = 0;
  struct owner owner = {.outcome = OWNER_PENDING};
  struct call call = begin(env, info);
  int is_server = integer(&call, 0);
  struct flow flow = {.protocol = (uint8_t)integer(&call, 1),
                      .local_port = (uint16_t)integer(&call, 3),
                      .remote_port = (uint16_t)integer(&call, 5),
                      .interface = (uint32_t)integer(&call, 6)};
  const uint8_t *local = bytes(&call, 2, &local_length), *remote = bytes(&call, 4, &remote_length);
  uint64_t time_ns = (uint64_t)integer(&call, 7) * SECOND_NS + (uint64_t)integer(&call, 8);
  if (call.is_wrong || local_length != remote_length || (local_length != 4 && local_length != ADDRESS_BYTES))
    return fail(env, "findOwner takes two ends of one family, and numbers");
  flow.family = local_length == 4 ? AF_INET : AF_INET6;
  memcpy(flow.local, local, local_length);
  memcpy(flow.remote, remote, remote_length);
  pthread_mutex_lock(&owners.lock);
  int is_open = owners.users > 0;
  if (is_open) (is_server ? find_server : find_opener)(&flow, time_ns, &owner);
  pthread_mutex_unlock(&owners.lock);
  return is_open ? answer(env, &owner) : fail(env, "openOwners comes first");
}

#else

static napi_value open_owners(napi_env env, napi_callback_info info) {
  (void)info;
  return fail(env, "only Linux tells whose a connection is");
}

static napi_value close_owners(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  return NULL;
}

static napi_value find_owner(napi_env env, napi_callback_info info) { return open_owners(env, info); }

#endif

void owners_export(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"openOwners", open_owners}, {"closeOwners", close_owners}, {"findOwner", find_owner}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
}
