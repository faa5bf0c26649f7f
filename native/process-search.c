/*
 * Which process holds a socket, and whether it is the one that opened it.
 *
 * /proc tells which sockets a process holds and nobody tells who holds a socket, so processes are gone through: those that were found
 * last, then those that were started last, then all, within a share of a processor's time.
 *
 * To hold a socket is no proof of having opened it: a process that was just forked has copies of all that its parent holds, until it
 * begins a program of its own. A process is named when one of these holds:
 *  - it runs a program of its own, and the descriptor closes when a program begins: so it was opened by this program;
 *  - it was there when the first packet was sent, and its parent does not hold the socket. Of processes that share one it is the one that
 *    the others descend from.
 * So a copy is not taken for the opener, even where the opener closed its own meanwhile. Descriptors that were sent over a unix
 * socket count as opened where they came to.
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "process-file.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECENT_MAX 64
#define NEWEST_MAX 48
/* Descriptors beside the last that was found, which are looked at first. */
#define NEAR_MAX 4
/* Recent ones that are looked at before new ones. */
#define FEW 4
#define DESCRIPTORS_MAX 4096
#define ANCESTORS_MAX 16
#define LINK_BYTES 64
/* Searches may take this part of the time that goes by, saved up to a limit. */
#define SHARE 8
#define SAVED_MAX_NS 200000000ll
#define STEPS_BETWEEN_LOOKS 64
#define INIT 1

struct recent {
  uint32_t pid;
  int descriptor;
};

struct search {
  int proc;
  struct recent recent[RECENT_MAX];
  int recent_count;
  /* The number above that of the newest process that an earlier search has met. */
  uint32_t newest_above;
  /* Where a search of all processes had to stop: the next one begins there. */
  uint32_t resume_at;
  uint64_t longest_ns;
  int64_t saved_ns;
  uint64_t saved_at_ns;
};

/* One search: the link of the socket that is looked for, and what was met on the way. */
struct quest {
  struct search *search;
  char link[LINK_BYTES];
  uint64_t start_ns;
  uint64_t end_ns;
  int steps;
  int is_late;
  int is_denied;
  int is_listening;
  int is_kept; /* a process was met that keeps the socket for a service */
};

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* What this thread has run: that it waits for a processor is no reason to give up. */
static uint64_t ran_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

struct search *search_open(uint64_t longest_ns) {
  struct search *search = calloc(1, sizeof *search);
  if (search == NULL) return NULL;
  search->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  search->longest_ns = longest_ns;
  search->saved_ns = SAVED_MAX_NS;
  search->saved_at_ns = now_ns();
  if (search->proc >= 0) return search;
  free(search);
  return NULL;
}

void search_close(struct search *search) {
  close(search->proc);
  free(search);
}

static void note_recent(struct search *search, uint32_t pid, int descriptor) {
  int at = 0;
  while (at < search->recent_count && search->recent[at].pid != pid) at++;
  if (at == search->recent_count && at < RECENT_MAX) search->recent_count++;
  if (at == RECENT_MAX) at--;
  memmove(search->recent + 1, search->recent, (size_t)at * sizeof *search->recent);
  search->recent[0] = (struct recent){.pid = pid, .descriptor = descriptor};
}

static int is_socket(struct quest *quest, int folder, const char *name) {
  char link[LINK_BYTES];
  ssize_t length = readlinkat(folder, name, link, sizeof link - 1);
  if (++quest->steps % STEPS_BETWEEN_LOOKS == 0 && ran_ns() > quest->end_ns) quest->is_late = 1;
  if (length <= 0) return 0;
  link[length] = 0;
  return strcmp(link, quest->link) == 0;
}

static int open_descriptors(struct quest *quest, uint32_t pid) {
  char path[LINK_BYTES];
  snprintf(path, sizeof path, "%u/fd", pid);
  int folder = openat(quest->search->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 && (errno == EACCES || errno == EPERM)) quest->is_denied = 1;
  return folder;
}

/* The descriptor by which a process holds the socket, looked for beside another; -1 where it is not there. */
static int held_near(struct quest *quest, uint32_t pid, int descriptor) {
  int folder = open_descriptors(quest, pid);
  int found = -1;
  if (folder < 0) return -1;
  for (int away = 0; away <= 2 * NEAR_MAX && found < 0; away++) {
    int candidate = descriptor + (away % 2 == 0 ? away / 2 : -(away + 1) / 2);
    char name[LINK_BYTES];
    snprintf(name, sizeof name, "%d", candidate);
    if (candidate >= 0 && is_socket(quest, folder, name)) found = candidate;
  }
  close(folder);
  return found;
}

/* The descriptor by which a process holds the socket; -1 where it does not. */
static int held(struct quest *quest, uint32_t pid) {
  int folder = open_descriptors(quest, pid);
  int found = -1, count = 0;
  if (folder < 0) return -1;
  DIR *names = fdopendir(folder);
  if (names == NULL) {
    close(folder);
    return -1;
  }
  struct dirent *entry;
  while (found < 0 && !quest->is_late && count++ < DESCRIPTORS_MAX && (entry = readdir(names)) != NULL)
    if (entry->d_name[0] != '.' && is_socket(quest, folder, entry->d_name)) found = atoi(entry->d_name);
  closedir(names);
  return found;
}

/* Whether a process keeps sockets for services that it starts. */
static int keeps_for_others(const struct process *process) { return strcmp(process->command, "systemd") == 0; }

/* Whether who holds a socket that listens only keeps it for the service that is to take what comes. */
static int only_keeps(struct quest *quest, uint32_t pid) {
  struct process process;
  if (!quest->is_listening || process_read(quest->search->proc, pid, &process) != 0 || !keeps_for_others(&process)) return 0;
  quest->is_kept = 1;
  return 1;
}

/* Looks at recent ones, from one place in their row up to another. */
static int find_recent(struct quest *quest, int from, int to, uint32_t *pid) {
  struct search *search = quest->search;
  for (int i = from; i < to && i < search->recent_count && !quest->is_late; i++) {
    int found = held_near(quest, search->recent[i].pid, search->recent[i].descriptor);
    *pid = search->recent[i].pid;
    if (found >= 0 && !only_keeps(quest, *pid)) return found;
  }
  return -1;
}

/* Looks at those with the numbers below `below`, down to `from`; one may be a thread's. */
static int find_numbered(struct quest *quest, uint32_t below, uint32_t from, uint32_t *pid) {
  for (uint32_t candidate = below; candidate-- > from && candidate > INIT && !quest->is_late;) {
    int found = held(quest, candidate);
    if (found < 0) continue;
    *pid = process_of_thread(quest->search->proc, candidate);
    if (*pid == 0) return -1;
    if (!only_keeps(quest, *pid)) return found;
  }
  return -1;
}

/* Looks where it is likeliest; the descriptor, and whose. */
static int find_likely(struct quest *quest, uint32_t *pid) {
  struct search *search = quest->search;
  uint32_t above = newest_process(search->proc) + 1;
  uint32_t lowest = above > NEWEST_MAX ? above - NEWEST_MAX : 0;
  uint32_t unseen = search->newest_above > lowest && search->newest_above < above ? search->newest_above : lowest;
  if (search->newest_above == above) unseen = above;
  search->newest_above = above;
  int found = find_recent(quest, 0, FEW, pid);
  if (found < 0) found = find_numbered(quest, above, unseen, pid);
  if (found < 0) found = find_recent(quest, FEW, RECENT_MAX, pid);
  if (found < 0) found = find_numbered(quest, unseen, lowest, pid);
  for (int i = 0; i < search->recent_count && found < 0 && !quest->is_late; i++) {
    found = held(quest, *pid = search->recent[i].pid);
    if (found >= 0 && only_keeps(quest, *pid)) found = -1;
  }
  return found;
}

/* Looks at all processes with numbers from `from` and below `below`; the first is not among them. */
static int find_between(struct quest *quest, uint32_t from, uint32_t below, uint32_t *pid) {
  int found = -1;
  DIR *all = opendir("/proc");
  if (all == NULL) return -1;
  struct dirent *entry;
  while (found < 0 && !quest->is_late && (entry = readdir(all)) != NULL) {
    uint32_t candidate = (uint32_t)strtoul(entry->d_name, NULL, 10);
    if (candidate <= INIT || candidate < from || candidate >= below) continue;
    *pid = candidate;
    found = held(quest, candidate);
    if (found >= 0 && only_keeps(quest, candidate)) found = -1;
    if (quest->is_late) quest->search->resume_at = candidate;
  }
  closedir(all);
  return found;
}

/* Looks at all processes; the first comes last, as it may hold what it only keeps for others. */
static int find_anywhere(struct quest *quest, uint32_t *pid) {
  uint32_t from = quest->search->resume_at;
  int found = find_between(quest, from, UINT32_MAX, pid);
  if (found < 0 && from > 0 && !quest->is_late) found = find_between(quest, 0, from, pid);
  if (found >= 0 || quest->is_late) return found;
  found = held(quest, INIT);
  if (found < 0 || only_keeps(quest, INIT)) return -1;
  *pid = INIT;
  return found;
}

/* Goes from a holder up to the one that the others got the socket from. */
static void climb(struct quest *quest, struct process *process, int *descriptor) {
  for (int steps = 0; steps < ANCESTORS_MAX; steps++) {
    struct process parent;
    if (process->parent == 0 || process_read(quest->search->proc, process->parent, &parent) != 0) return;
    if (quest->is_listening && (parent.pid == INIT || keeps_for_others(&parent))) return;
    int found = held_near(quest, parent.pid, *descriptor);
    if (found < 0) found = held(quest, parent.pid);
    if (found < 0) return;
    *process = parent;
    *descriptor = found;
  }
}

/* Whether a process that holds the socket can be named for it. */
static enum owner_outcome judge(struct quest *quest, uint64_t time_ns, struct process *process, int *descriptor) {
  int proc = quest->search->proc;
  uint64_t earliest_ns, latest_ns;
  int closes = process_closes_on_exec(proc, process->pid, *descriptor);
  if (closes < 0) return OWNER_GONE;
  int is_own = closes && process->has_executed && !quest->is_listening;
  if (!is_own) climb(quest, process, descriptor);
  if (quest->is_late) return OWNER_BUSY;
  if (process_started(proc, process, &earliest_ns, &latest_ns) != 0) return OWNER_GONE;
  if (earliest_ns > time_ns) return OWNER_DOUBTFUL;
  return is_own || latest_ns <= time_ns ? OWNER_KNOWN : OWNER_DOUBTFUL;
}

/* Names a holder, if it is the same process and holds the socket still when all is read. */
static enum owner_outcome name(struct quest *quest, uint64_t time_ns, uint32_t pid, int descriptor, struct owner *owner) {
  int proc = quest->search->proc;
  struct process process, again;
  char path[LINK_BYTES];
  if (process_read(proc, pid, &process) != 0) return OWNER_GONE;
  enum owner_outcome outcome = judge(quest, time_ns, &process, &descriptor);
  if (outcome != OWNER_KNOWN) return outcome;
  process_cgroup(proc, process.pid, owner->cgroup_path);
  snprintf(path, sizeof path, "%u/fd/%d", process.pid, descriptor);
  if (process_read(proc, process.pid, &again) != 0 || again.start_ticks != process.start_ticks) return OWNER_GONE;
  if (strcmp(again.command, process.command) != 0 || !is_socket(quest, proc, path)) return OWNER_GONE;
  owner->pid = process.pid;
  owner->start_ticks = process.start_ticks;
  memcpy(owner->command, process.command, sizeof owner->command);
  note_recent(quest->search, process.pid, descriptor);
  return OWNER_KNOWN;
}

static enum owner_outcome seek(struct quest *quest, uint64_t time_ns, struct owner *owner) {
  uint32_t pid = 0;
  int descriptor = find_likely(quest, &pid);
  if (descriptor < 0) descriptor = find_anywhere(quest, &pid);
  if (descriptor >= 0) return name(quest, time_ns, pid, descriptor, owner);
  if (quest->is_late) return OWNER_BUSY;
  if (quest->is_kept) return OWNER_PENDING;
  return quest->is_denied ? OWNER_HIDDEN : OWNER_GONE;
}

/* Begins a search for whoever holds a socket; 0 where there is no time left for it. */
static int begin(struct search *search, const struct owner *owner, struct quest *quest) {
  uint64_t at_ns = now_ns();
  *quest = (struct quest){.search = search, .start_ns = ran_ns()};
  quest->end_ns = quest->start_ns + search->longest_ns;
  search->saved_ns += (int64_t)((at_ns - search->saved_at_ns) / SHARE);
  search->saved_at_ns = at_ns;
  if (search->saved_ns > SAVED_MAX_NS) search->saved_ns = SAVED_MAX_NS;
  snprintf(quest->link, sizeof quest->link, "socket:[%llu]", (unsigned long long)owner->socket.inode);
  return search->saved_ns > 0;
}

static void end(const struct quest *quest) { quest->search->saved_ns -= (int64_t)(ran_ns() - quest->start_ns); }

void search_process(struct search *search, uint64_t time_ns, int is_listening, struct owner *owner) {
  struct quest quest;
  int has_time = begin(search, owner, &quest);
  quest.is_listening = is_listening;
  owner->outcome = has_time ? seek(&quest, time_ns, owner) : OWNER_BUSY;
  end(&quest);
}

/* The server that a process is, or that it descends from most closely; NULL where it is none's. */
static const struct owner *server_above(struct quest *quest, uint32_t pid, const struct owner *servers, int count) {
  for (int steps = 0; steps < ANCESTORS_MAX && pid > INIT; steps++) {
    struct process process;
    if (process_read(quest->search->proc, pid, &process) != 0) return NULL;
    for (int i = 0; i < count; i++)
      if (servers[i].pid == pid && servers[i].start_ticks == process.start_ticks) return &servers[i];
    pid = process.parent;
  }
  return NULL;
}

/* A server that was started later than the connection has its socket from another. */
static enum owner_outcome seek_taker(struct quest *quest, uint64_t time_ns, const struct owner *servers, int count, struct owner *owner) {
  uint32_t pid = 0;
  uint64_t earliest_ns, latest_ns;
  int proc = quest->search->proc;
  struct process process;
  char path[LINK_BYTES];
  int descriptor = find_likely(quest, &pid);
  if (descriptor < 0) descriptor = find_anywhere(quest, &pid);
  if (descriptor < 0) return quest->is_late ? OWNER_BUSY : OWNER_SHARED;
  const struct owner *server = server_above(quest, pid, servers, count);
  if (server == NULL || process_read(proc, server->pid, &process) != 0) return OWNER_SHARED;
  if (process_started(proc, &process, &earliest_ns, &latest_ns) != 0 || latest_ns > time_ns) return OWNER_SHARED;
  snprintf(path, sizeof path, "%u/fd/%d", pid, descriptor);
  if (process.start_ticks != server->start_ticks || !is_socket(quest, proc, path)) return OWNER_SHARED;
  note_recent(quest->search, pid, descriptor);
  *owner = *server;
  return OWNER_KNOWN;
}

void search_taker(struct search *search, uint64_t time_ns, const struct owner *servers, int count, struct owner *owner) {
  struct quest quest;
  owner->outcome = begin(search, owner, &quest) ? seek_taker(&quest, time_ns, servers, count, owner) : OWNER_BUSY;
  end(&quest);
}

#endif
