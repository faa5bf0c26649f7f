/* What /proc says of one process (Linux). */
#ifndef TALLYWIRE_PROCESS_FILE_H
#define TALLYWIRE_PROCESS_FILE_H

#include "owner.h"

struct process {
  uint32_t pid;
  uint32_t parent;
  int threads;
  uint64_t start_ticks;
  int has_executed; /* whether it runs a program that it began itself, not a copy of its parent's memory */
  char command[COMMAND_BYTES];
};

/* Reads a process' line; -1 where it has ended. */
int process_read(int proc, uint32_t pid, struct process *into);
/* The process that a thread belongs to; 0 where it has ended. */
uint32_t process_of_thread(int proc, uint32_t thread);
/* Whether a descriptor of it closes when it begins another program; -1 where it has gone. */
int process_closes_on_exec(int proc, uint32_t pid, int descriptor);
/* Puts the path of its control group there, an empty one where that is not known. */
void process_cgroup(int proc, uint32_t pid, char *into);
/* The process or thread that was started last; 0 where that is not known. */
uint32_t newest_process(int proc);
/* The time before which it cannot and at which it must have been there, ns since 1970; -1 where it has ended. */
int process_started(int proc, const struct process *process, uint64_t *earliest_ns, uint64_t *latest_ns);

#endif
