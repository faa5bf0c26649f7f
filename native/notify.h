/* Words to a service manager (sd_notify(3)). */
#ifndef TALLYWIRE_NOTIFY_H
#define TALLYWIRE_NOTIFY_H

/* Sends words as one datagram to a socket of the file system, or an abstract one, `@name`; 0 or an errno. Does not wait. */
int notify_send(const char *address, const char *words);

#endif
