/*
 * Pages of programs and libraries that stand in memory because they were used once, at the start most of all. What nothing was written to is
 * as its file has it, and comes back from there, or from the system's cache, when it is used again.
 *
 * Source: madvise(2), proc(5).
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "call.h"

#include <errno.h>

#ifdef __linux__

#include <stdio.h>
#include <sys/mman.h>

/* A mapping, as /proc/self/smaps tells of it. */
struct mapping {
  unsigned long start, end;
  int is_of_file, is_clean;
};

/* Lets go of a mapping's pages; only of what nobody could write to, and nobody wrote to before that was so. */
static void let_go(const struct mapping *mapping) {
  if (mapping->is_of_file && mapping->is_clean) madvise((void *)mapping->start, mapping->end - mapping->start, MADV_DONTNEED);
}

static int program_pages_drop(void) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  if (smaps == NULL) return errno;
  struct mapping mapping = {0};
  char line[512], permissions[5];
  unsigned long start, end, inode, kib;
  while (fgets(line, sizeof line, smaps) != NULL) {
    if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, permissions, &inode) == 4) {
      let_go(&mapping);
      int is_read_only = permissions[0] == 'r' && permissions[1] == '-' && permissions[3] == 'p';
      mapping = (struct mapping){.start = start, .end = end, .is_of_file = is_read_only && inode != 0};
    } else if (sscanf(line, "Anonymous: %lu", &kib) == 1) {
      mapping.is_clean = kib == 0;
    } else if (sscanf(line, "Swap: %lu", &kib) == 1 && kib != 0) {
      /* It was written to, and counts as anonymous only where it stands in memory. */
      mapping.is_clean = 0;
    }
  }
  let_go(&mapping);
  fclose(smaps);
  return 0;
}

#else

static int program_pages_drop(void) { return ENOSYS; }

#endif

/* dropProgramPages() */
static napi_value drop_program_pages(napi_env env, napi_callback_info info) {
  (void)info;
  return done(env, program_pages_drop());
}

void program_pages_export(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "dropProgramPages", NAPI_AUTO_LENGTH, drop_program_pages, NULL, &function);
  napi_set_named_property(env, exports, "dropProgramPages", function);
}
