/*
 * What a process may do on Linux once it is no longer root's: capabilities of the thread that asks.
 *
 * Source: capabilities(7), prctl(2).
 */
#include "source.h"

#include <errno.h>

#ifdef __linux__

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int capabilities_keep(void) { return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 ? 0 : errno; }

int capabilities_limit(uint32_t kept) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{.effective = kept, .permitted = kept}};
  if (syscall(SYS_capset, &header, data) != 0) return errno;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

#else

int capabilities_keep(void) { return ENOSYS; }

int capabilities_limit(uint32_t kept) {
  (void)kept;
  return ENOSYS;
}

#endif
