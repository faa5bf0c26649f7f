/*
 * One socket by its addresses, as the kernel's tables have it: inode, user, control group, state.
 *
 * Source: sock_diag(7), include/uapi/linux/inet_diag.h. A look-up by all four values is one step in the kernel's hash table, whatever
 * number of sockets there are; it takes no privilege.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "owner.h"

#include <errno.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Headers of before Linux 5.8 do not have it. */
#define ATTRIBUTE_CGROUP_ID 21
#define STATE_LISTEN 10
#define ANSWER_BYTES 4096
/* Of a list the kernel gives at most so much at once. */
#define LIST_BYTES 32768
/* An answer is there when the question was sent; this is for a kernel that has none. */
#define ANSWER_WAIT_US 200000

int diag_open(void) {
  struct timeval wait = {.tv_usec = ANSWER_WAIT_US};
  int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (diag < 0) return -1;
  setsockopt(diag, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  return diag;
}

struct question {
  struct nlmsghdr header;
  struct inet_diag_req_v2 request;
};

static void read_attributes(const struct inet_diag_msg *message, int length, struct socket_state *found) {
  const struct rtattr *attribute = (const struct rtattr *)(message + 1);
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
    if (attribute->rta_type == ATTRIBUTE_CGROUP_ID && RTA_PAYLOAD(attribute) == sizeof found->cgroup)
      memcpy(&found->cgroup, RTA_DATA(attribute), sizeof found->cgroup);
}

/* Waits for messages with this number, and gives their bytes; what is older belongs to a question that nobody waits for any more. */
static ssize_t wait_for(int diag, uint32_t number, struct nlmsghdr *into, size_t room) {
  for (;;) {
    ssize_t length = recv(diag, into, room, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return -errno;
    if (!NLMSG_OK(into, (size_t)length)) return -EBADMSG;
    if (into->nlmsg_seq == number) return length;
  }
}

static int fault_of(const struct nlmsghdr *header) {
  int fault = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
  return fault == 0 ? EBADMSG : fault;
}

/* Reads a message of a socket; NULL where it is none. */
static const struct inet_diag_msg *read_message(const struct nlmsghdr *header, struct socket_state *found) {
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return NULL;
  const struct inet_diag_msg *message = NLMSG_DATA(header);
  *found = (struct socket_state){
      .inode = message->idiag_inode,
      .cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0],
      .user = message->idiag_uid,
      .state = message->idiag_state,
  };
  read_attributes(message, (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *message)), found);
  return message;
}

/* Where a socket is. */
struct place {
  struct inet_diag_sockid id;
  uint8_t family;
};

static int receive(int diag, uint32_t number, uint16_t port, struct socket_state *found, struct place *place) {
  union {
    struct nlmsghdr header;
    uint8_t bytes[ANSWER_BYTES];
  } answer;
  ssize_t length = wait_for(diag, number, &answer.header, sizeof answer);
  if (length < 0) return (int)-length;
  if (answer.header.nlmsg_type == NLMSG_ERROR) return fault_of(&answer.header);
  const struct inet_diag_msg *message = read_message(&answer.header, found);
  if (message == NULL) return EBADMSG;
  *place = (struct place){.id = message->id, .family = message->idiag_family};
  return message->id.idiag_sport == port ? 0 : ENOENT;
}

static uint32_t next_number(void) {
  static uint32_t numbers;
  return __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
}

static int send_question(int diag, const struct question *question) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  return sendto(diag, question, sizeof *question, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0 ? errno : 0;
}

static int ask(int diag, const struct flow *flow, struct socket_state *found, struct place *place) {
  struct question question = {
      .header = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = next_number()},
      .request = {.sdiag_family = flow->family, .sdiag_protocol = flow->protocol, .idiag_states = ~0u},
  };
  struct inet_diag_sockid *id = &question.request.id;
  /* For UDP the kernel takes the ends the other way round. */
  int is_turned = flow->protocol == IPPROTO_UDP;
  memcpy(is_turned ? id->idiag_dst : id->idiag_src, flow->local, ADDRESS_BYTES);
  memcpy(is_turned ? id->idiag_src : id->idiag_dst, flow->remote, ADDRESS_BYTES);
  id->idiag_sport = htons(is_turned ? flow->remote_port : flow->local_port);
  id->idiag_dport = htons(is_turned ? flow->local_port : flow->remote_port);
  id->idiag_if = flow->interface;
  id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  int fault = send_question(diag, &question);
  return fault != 0 ? fault : receive(diag, question.header.nlmsg_seq, htons(flow->local_port), found, place);
}

int diag_find(int diag, const struct flow *flow, struct socket_state *found) {
  struct place place;
  int fault = ask(diag, flow, found, &place);
  /* A connection that has gone is answered with the socket that listens where it ended. */
  if (fault == 0 && flow->protocol == IPPROTO_TCP && found->state == STATE_LISTEN) return ENOENT;
  return fault;
}

static int ask_listening(int diag, const struct flow *flow, struct socket_state *found, struct place *place) {
  struct flow nobody = *flow;
  memset(nobody.remote, 0, sizeof nobody.remote);
  nobody.remote_port = 0;
  int fault = ask(diag, &nobody, found, place);
  return fault == 0 && flow->protocol == IPPROTO_TCP && found->state != STATE_LISTEN ? ENOENT : fault;
}

int diag_find_listening(int diag, const struct flow *flow, struct socket_state *found) {
  struct place place;
  return ask_listening(diag, flow, found, &place);
}

/* Sockets that are listed: those beside one, for a flow. */
struct list {
  const struct flow *flow;
  struct place beside;
  struct socket_state *sockets;
  int room;
  int count;
};

/* Whether a socket that is bound to an interface may take what comes to an address. */
static int may_take(const struct inet_diag_msg *message, const struct flow *flow) {
  static const uint8_t ANY[ADDRESS_BYTES];
  const uint8_t *address = (const uint8_t *)message->id.idiag_src;
  size_t length = message->idiag_family == AF_INET ? 4 : ADDRESS_BYTES;
  if (message->id.idiag_if == 0) return 0;
  if (memcmp(address, ANY, length) == 0) return 1;
  if (message->idiag_family == flow->family) return memcmp(address, flow->local, length) == 0;
  return memcmp(address + 12, flow->local, 4) == 0;
}

static int take_listed(const struct nlmsghdr *header, struct list *list) {
  struct socket_state socket;
  const struct inet_diag_msg *message = read_message(header, &socket);
  if (message == NULL) return EBADMSG;
  if (list->flow->protocol == IPPROTO_TCP ? socket.state != STATE_LISTEN : message->id.idiag_dport != 0) return 0;
  const struct place *beside = &list->beside;
  int is_beside = message->idiag_family == beside->family && message->id.idiag_if == beside->id.idiag_if &&
                  memcmp(message->id.idiag_src, beside->id.idiag_src, sizeof beside->id.idiag_src) == 0;
  if (!is_beside && !may_take(message, list->flow)) return 0;
  if (list->count == list->room) return ENOBUFS;
  list->sockets[list->count++] = socket;
  return 0;
}

/* Lists those of a family. */
static int add_family(int diag, uint8_t family, struct list *list) {
  union {
    struct nlmsghdr header;
    uint8_t bytes[LIST_BYTES];
  } answer;
  const struct flow *flow = list->flow;
  struct question question = {
      .header = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                 .nlmsg_seq = next_number()},
      .request = {.sdiag_family = family,
                  .sdiag_protocol = flow->protocol,
                  .idiag_states = flow->protocol == IPPROTO_TCP ? 1u << STATE_LISTEN : ~0u},
  };
  question.request.id.idiag_sport = htons(flow->local_port);
  int fault = send_question(diag, &question);
  while (fault == 0) {
    ssize_t length = wait_for(diag, question.header.nlmsg_seq, &answer.header, sizeof answer);
    if (length < 0) return (int)-length;
    const struct nlmsghdr *header = &answer.header;
    for (; fault == 0 && NLMSG_OK(header, (size_t)length); header = NLMSG_NEXT(header, length)) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      fault = header->nlmsg_type == NLMSG_ERROR ? fault_of(header) : take_listed(header, list);
    }
  }
  return fault;
}

int diag_list_listening(int diag, const struct flow *flow, struct socket_state *sockets, int room) {
  struct socket_state found;
  struct list list = {.flow = flow, .sockets = sockets, .room = room};
  int fault = ask_listening(diag, flow, &found, &list.beside);
  if (fault == 0) fault = add_family(diag, AF_INET6, &list);
  if (fault == 0 && flow->family == AF_INET) fault = add_family(diag, AF_INET, &list);
  return fault == 0 ? list.count : -1;
}

#else

int diag_open(void) {
  errno = ENOSYS;
  return -1;
}

int diag_find(int diag, const struct flow *flow, struct socket_state *found) {
  (void)diag, (void)flow, (void)found;
  return ENOSYS;
}

int diag_find_listening(int diag, const struct flow *flow, struct socket_state *found) {
  (void)diag, (void)flow, (void)found;
  return ENOSYS;
}

int diag_list_listening(int diag, const struct flow *flow, struct socket_state *sockets, int room) {
  (void)diag, (void)flow, (void)sockets, (void)room;
  return -1;
}

#endif
