/*
 * Whose a connection is: the socket behind its addresses, and the process that holds the socket (Linux).
 *
 * Nothing is said that was not proven: a process that opened the socket, and none that only took it over for a moment.
 */
#ifndef TALLYWIRE_OWNER_H
#define TALLYWIRE_OWNER_H

#include "source.h"

#define ADDRESS_BYTES 16
#define COMMAND_BYTES 16
#define CGROUP_BYTES 192

/* The two ends of a connection as one of them has it; an IPv4 address is the first four bytes, ports are numbers. */
struct flow {
  uint8_t family;   /* AF_INET or AF_INET6 */
  uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
  uint16_t local_port;
  uint16_t remote_port;
  uint32_t interface; /* by which sockets that are bound to one are found; 0 for any */
  uint8_t local[ADDRESS_BYTES];
  uint8_t remote[ADDRESS_BYTES];
};

/* What the kernel says of a socket. */
struct socket_state {
  uint64_t inode; /* 0 for one that no process holds any more */
  uint64_t cookie; /* never used again */
  uint64_t cgroup; /* number of its control group; 0 where the kernel does not say */
  uint32_t user;
  uint8_t state; /* as TCP numbers them; 10 listens */
};

/* How a search came out. */
enum owner_outcome {
  OWNER_PENDING = 0, /* not looked for yet */
  OWNER_KNOWN = 1,
  OWNER_GONE = 2,     /* no socket is there, or none that a process holds */
  OWNER_HIDDEN = 3,   /* there is a socket, and no process that may be looked into holds it */
  OWNER_DOUBTFUL = 4, /* who holds it may have inherited it, or keeps a port that is another's, or a later connection has taken its place */
  OWNER_BUSY = 5,     /* looking for it would have taken more time than is given */
  OWNER_SHARED = 6,   /* several programs listen there, and none is seen to have taken the connection */
};

struct owner {
  enum owner_outcome outcome;
  struct socket_state socket;
  uint32_t pid; /* 0 for what several processes have in common */
  uint64_t start_ticks; /* since boot; with the pid this is one process for ever */
  char command[COMMAND_BYTES];
  char cgroup_path[CGROUP_BYTES]; /* its end, where it is longer */
};

/* A socket for questions to the kernel; -1 and errno where there is none. */
int diag_open(void);
/* Looks one socket up; 0, ENOENT where there is none, or another errno. */
int diag_find(int diag, const struct flow *flow, struct socket_state *found);
/* The same for the socket that listens on the local end of a flow. */
int diag_find_listening(int diag, const struct flow *flow, struct socket_state *found);

/*
 * All sockets that listen among which the kernel may choose for a flow. Gives how many; -1 where there is none any more, or not room for all.
 */
int diag_list_listening(int diag, const struct flow *flow, struct socket_state *sockets, int room);

/* What a thread remembers of processes that it found, and what time it has left; `longest_ns` for one search. */
struct search;
struct search *search_open(uint64_t longest_ns);
void search_close(struct search *search);
/*
 * Finds who holds a socket that was there at a time, ns since 1970. Fills in all of `owner` but the socket, which it looks at. A listening
 * socket is its process' that the others descend from; it is pending while systemd alone holds it, for a service that it has not begun.
 */
void search_process(struct search *search, uint64_t time_ns, int is_listening, struct owner *owner);
/*
 * Finds which of some servers took a connection that began at a time: the one that holds its socket, or that the holder descends from.
 * `owner` has that socket, and is the server's then.
 */
void search_taker(struct search *search, uint64_t time_ns, const struct owner *servers, int count, struct owner *owner);

/* Names servers by the sockets that listen, and remembers them for a while. */
struct servers;
struct servers *servers_open(int diag, struct search *search);
void servers_close(struct servers *servers);
/* Whose server takes a flow that began at a time; `owner` has the socket that listens there. */
void servers_find(struct servers *servers, const struct flow *flow, uint64_t time_ns, struct owner *owner);

/* Looks connections up when their first packet goes out, by a thread of its own; all connections of the process' network namespace. */
struct first_packets;
struct first_packets *first_packets_open(char *reason);
void first_packets_close(struct first_packets *first);
/*
 * Who opened a connection whose first packet was sent at this time, pending where that is not known yet. 0 where no first packet was seen
 * until then.
 */
int first_packets_find(struct first_packets *first, const struct flow *flow, uint64_t time_ns, struct owner *owner);

#endif
