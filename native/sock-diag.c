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

/* Reads the answer with this number; what is older belongs to a question that nobody waits for any more. */
static int receive(int diag, uint32_t number, uint16_t port, struct socket_state *found) {
  union {
    struct nlmsghdr header;
    uint8_t bytes[ANSWER_BYTES];
  } answer;
  for (;;) {
    ssize_t length = recv(diag, answer.bytes, sizeof answer.bytes, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    if (!NLMSG_OK(&answer.header, (size_t)length)) return EBADMSG;
    if (answer.header.nlmsg_seq == number) break;
  }
  if (answer.header.nlmsg_type == NLMSG_ERROR) {
    int fault = -((const struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
    return fault == 0 ? EBADMSG : fault;
  }
  if (answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return EBADMSG;
  const struct inet_diag_msg *message = NLMSG_DATA(&answer.header);
  if (message->id.idiag_sport != port) return ENOENT;
  *found = (struct socket_state){
      .inode = message->idiag_inode,
      .cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0],
      .user = message->idiag_uid,
      .state = message->idiag_state,
  };
  read_attributes(message, (int)(answer.header.nlmsg_len - NLMSG_LENGTH(sizeof *message)), found);
  return 0;
}

static int ask(int diag, const struct flow *flow, struct socket_state *found) {
  static uint32_t numbers;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct question question = {
      .header = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED)},
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
  if (sendto(diag, &question, sizeof question, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) return errno;
  return receive(diag, question.header.nlmsg_seq, htons(flow->local_port), found);
}

int diag_find(int diag, const struct flow *flow, struct socket_state *found) {
  int fault = ask(diag, flow, found);
  /* A connection that has gone is answered with the socket that listens where it ended. */
  if (fault == 0 && flow->protocol == IPPROTO_TCP && found->state == STATE_LISTEN) return ENOENT;
  return fault;
}

int diag_find_listening(int diag, const struct flow *flow, struct socket_state *found) {
  struct flow nobody = *flow;
  memset(nobody.remote, 0, sizeof nobody.remote);
  nobody.remote_port = 0;
  int fault = ask(diag, &nobody, found);
  return fault == 0 && flow->protocol == IPPROTO_TCP && found->state != STATE_LISTEN ? ENOENT : fault;
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

#endif
