/*
 * Words to a service manager: one datagram to the socket that the variable NOTIFY_SOCKET names.
 *
 * Source: sd_notify(3), unix(7).
 */
#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "notify.h"

#include <errno.h>

#ifdef __linux__

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_send(const char *address, const char *words) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t length = strlen(address);
  if (address[0] != '/' && address[0] != '@') return EAFNOSUPPORT;
  if (length >= sizeof to.sun_path) return ENAMETOOLONG;
  memcpy(to.sun_path, address, length);
  /* The name of an abstract socket begins with a zero, and none ends it. */
  if (address[0] == '@') to.sun_path[0] = 0;
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  int is_sent = sendto(descriptor, words, strlen(words), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, size) >= 0;
  int fault = is_sent ? 0 : errno;
  close(descriptor);
  return fault;
}

#else

int notify_send(const char *address, const char *words) {
  (void)address, (void)words;
  return ENOSYS;
}

#endif
