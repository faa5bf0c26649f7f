/*
 * What /proc says of one process.
 *
 * Source: proc(5); the bit of a process that has not begun a program of its own is the kernel's PF_FORKNOEXEC.
 */
#ifdef __linux__
#define _GNU_SOURCE

#include "process-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES 4096
#define PATH_BYTES 64
#define FORKED_WITHOUT_EXEC 0x40
#define SECOND_NS 1000000000ull

/* Reads the beginning of a file as a text; -1 where it is not there. */
static int read_text(int proc, const char *path, char *into) {
  int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t length = read(file, into, FILE_BYTES - 1);
  close(file);
  if (length < 0) return -1;
  into[length] = 0;
  return 0;
}

static int read_of(int proc, uint32_t pid, const char *name, char *into) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%u/%s", pid, name);
  return read_text(proc, path, into);
}

int process_read(int proc, uint32_t pid, struct process *into) {
  char text[FILE_BYTES];
  unsigned flags;
  unsigned long long start;
  if (read_of(proc, pid, "stat", text) != 0) return -1;
  /* A command may have any characters, brackets too; numbers alone are behind its last bracket. */
  char *open = strchr(text, '('), *closed = strrchr(text, ')');
  if (open == NULL || closed == NULL || closed < open) return -1;
  *closed = 0;
  snprintf(into->command, sizeof into->command, "%.15s", open + 1);
  into->pid = pid;
  int count = sscanf(closed + 2,
                     "%*c %u %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %llu",
                     &into->parent, &flags, &into->threads, &start);
  if (count != 4) return -1;
  into->start_ticks = start;
  into->has_executed = (flags & FORKED_WITHOUT_EXEC) == 0;
  return 0;
}

uint32_t process_of_thread(int proc, uint32_t thread) {
  char text[FILE_BYTES];
  if (read_of(proc, thread, "status", text) != 0) return 0;
  const char *line = strstr(text, "\nTgid:");
  return line == NULL ? 0 : (uint32_t)strtoul(line + 6, NULL, 10);
}

int process_closes_on_exec(int proc, uint32_t pid, int descriptor) {
  char text[FILE_BYTES], name[PATH_BYTES];
  snprintf(name, sizeof name, "fdinfo/%d", descriptor);
  if (read_of(proc, pid, name, text) != 0) return -1;
  const char *line = strstr(text, "flags:");
  return line == NULL ? -1 : (strtoul(line + 6, NULL, 8) & O_CLOEXEC) != 0;
}

void process_cgroup(int proc, uint32_t pid, char *into) {
  char text[FILE_BYTES];
  size_t longest = 0;
  into[0] = 0;
  if (read_of(proc, pid, "cgroup", text) != 0) return;
  /* Of several hierarchies the one that says most: `5:memory:/docker/ID`. */
  char *rest = text;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char *names = strchr(line, ':');
    char *path = names == NULL ? NULL : strchr(names + 1, ':');
    size_t length = path == NULL ? 0 : strlen(path + 1);
    if (length <= longest) continue;
    longest = length;
    snprintf(into, CGROUP_BYTES, "%s", path + 1 + (length < CGROUP_BYTES ? 0 : length - CGROUP_BYTES + 1));
  }
}

uint32_t newest_process(int proc) {
  char text[FILE_BYTES];
  if (read_text(proc, "loadavg", text) != 0) return 0;
  const char *last = strrchr(text, ' ');
  return last == NULL ? 0 : (uint32_t)strtoul(last + 1, NULL, 10);
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now = {.tv_sec = 0};
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* What it has run, by its clock: that counts what it runs just now. 0 where others than its first thread may have run too. */
static uint64_t ran_ns(const struct process *process) {
  clockid_t clock;
  return process->threads == 1 && clock_getcpuclockid((pid_t)process->pid, &clock) == 0 ? clock_ns(clock) : 0;
}

/*
 * The kernel tells the start in hundredths of a second. What it has run and waited for a processor since then is told in ns, and is no more
 * than its age: of a process that has just begun and been busy, that says more.
 */
int process_started(int proc, const struct process *process, uint64_t *earliest_ns, uint64_t *latest_ns) {
  char text[FILE_BYTES];
  unsigned long long ran, waited;
  uint64_t tick_ns = SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK);
  uint64_t first_ns = clock_ns(CLOCK_REALTIME);
  uint64_t since_boot_ns = clock_ns(CLOCK_BOOTTIME);
  uint64_t last_ns = clock_ns(CLOCK_REALTIME);
  uint64_t start_ns = process->start_ticks * tick_ns;
  *earliest_ns = first_ns - since_boot_ns + start_ns;
  *latest_ns = last_ns - since_boot_ns + start_ns + tick_ns;
  if (read_of(proc, process->pid, "schedstat", text) != 0) return access("/proc/self/schedstat", F_OK) == 0 ? -1 : 0;
  if (sscanf(text, "%llu %llu", &ran, &waited) != 2) return 0;
  uint64_t by_clock_ns = ran_ns(process);
  if (by_clock_ns > ran) ran = by_clock_ns;
  /* The clock is read last, so that it can only seem younger than it is. */
  uint64_t before_ns = clock_ns(CLOCK_REALTIME) - ran - waited;
  if (before_ns < *latest_ns) *latest_ns = before_ns;
  return 0;
}

#endif
