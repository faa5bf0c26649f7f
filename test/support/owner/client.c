/*
 * Clients that keep a record: each connection's port, the process that opened it, and the time right after.
 *
 * client MANNER ADDRESS PORT LIFE_US COUNT PAUSE_US
 *
 *   long     one process opens all of them
 *   exec     a new process, with a program begun anew, for each
 *   exec-open the same; its descriptors stay open when a program begins
 *   fork     a new process for each that is a copy of its parent
 *   hand     a process that opens each, starts another program that inherits it, and closes its own at once
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in server;
static int flags = SOCK_CLOEXEC;

static int dial(char *record, size_t room) {
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  struct timespec now;
  int one = socket(AF_INET, SOCK_STREAM | flags, 0);
  if (connect(one, (struct sockaddr *)&server, sizeof server) != 0) {
    perror("connect");
    exit(1);
  }
  clock_gettime(CLOCK_REALTIME, &now);
  getsockname(one, (struct sockaddr *)&own, &length);
  snprintf(record, room, "%d %d %ld %ld\n", ntohs(own.sin_port), getpid(), (long)now.tv_sec, now.tv_nsec);
  return one;
}

static void say(const char *record) {
  if (write(1, record, strlen(record)) < 0) exit(1);
}

static void once(int life_us) {
  char record[128];
  int one = dial(record, sizeof record);
  if (life_us > 0) usleep((useconds_t)life_us);
  close(one);
  say(record);
}

static void hand(int life_us) {
  char record[128];
  int one = dial(record, sizeof record);
  pid_t child = fork();
  if (child == 0) {
    if (life_us > 0) usleep((useconds_t)life_us);
    execl("/bin/sleep", "sleep", "0.01", (char *)NULL);
    _exit(1);
  }
  close(one);
  waitpid(child, NULL, 0);
  say(record);
}

int main(int count, char **words) {
  if (count < 7) return 2;
  const char *manner = words[1];
  int life_us = atoi(words[4]), left = atoi(words[5]), pause_us = atoi(words[6]);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[3]))};
  inet_pton(AF_INET, words[2], &server.sin_addr);
  if (strcmp(manner, "hand") == 0 || strcmp(manner, "long-open") == 0) flags = 0;
  for (; left > 0; left--) {
    pid_t child = 0;
    if (strncmp(manner, "long", 4) == 0) once(life_us);
    else if (strcmp(manner, "hand") == 0) hand(life_us);
    else if ((child = fork()) == 0) {
      const char *inner = strcmp(manner, "exec") == 0 ? "long" : "long-open";
      if (strcmp(manner, "fork") != 0) execl("/proc/self/exe", words[0], inner, words[2], words[3], words[4], "1", "0", (char *)NULL);
      once(life_us);
      _exit(0);
    } else waitpid(child, NULL, 0);
    if (pause_us > 0) usleep((useconds_t)pause_us);
  }
  return 0;
}
