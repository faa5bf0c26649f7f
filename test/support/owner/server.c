/*
 * A server beside others on one port: `server MANNER ADDRESS PORT` listens with SO_REUSEPORT, and answers each request with its number.
 *
 * MANNER is `plain`, which takes all connections itself; `fork`, which leaves each to a child and closes it; `workers`, of which two wait
 * for connections at one socket; `udp`.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPEN_MAX 1024

static int number;

static int answer(int connection) {
  char request[4096], body[16], response[128];
  if (recv(connection, request, sizeof request, 0) <= 0) return -1;
  int length = snprintf(body, sizeof body, "%d", number);
  length = snprintf(response, sizeof response, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
  return send(connection, response, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -1;
}

static void serve(int listening, int forks) {
  struct pollfd open[OPEN_MAX] = {{.fd = listening, .events = POLLIN}};
  int count = 1;
  for (;;) {
    poll(open, (nfds_t)count, -1);
    for (int i = count - 1; i > 0; i--) {
      if (open[i].revents == 0 || answer(open[i].fd) == 0) continue;
      close(open[i].fd);
      open[i] = open[--count];
    }
    int connection = open[0].revents != 0 ? accept(listening, NULL, NULL) : -1;
    if (connection < 0) continue;
    if (!forks && count < OPEN_MAX) open[count++] = (struct pollfd){.fd = connection, .events = POLLIN};
    else if (forks && fork() == 0) {
      close(listening);
      while (answer(connection) == 0) {
      }
      _exit(0);
    } else close(connection);
  }
}

static void serve_datagrams(int bound) {
  char request[64], response[16];
  struct sockaddr_in from;
  for (;;) {
    socklen_t size = sizeof from;
    if (recvfrom(bound, request, sizeof request, 0, (struct sockaddr *)&from, &size) < 0) continue;
    int length = snprintf(response, sizeof response, "%d", number);
    sendto(bound, response, (size_t)length, 0, (struct sockaddr *)&from, size);
  }
}

int main(int count, char **words) {
  if (count != 4) return 2;
  int on = 1, is_udp = strcmp(words[1], "udp") == 0;
  int listening = socket(AF_INET, is_udp ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[3]))};
  inet_pton(AF_INET, words[2], &own.sin_addr);
  setsockopt(listening, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  signal(SIGCHLD, SIG_IGN);
  number = getpid();
  if (bind(listening, (struct sockaddr *)&own, sizeof own) != 0 || (!is_udp && listen(listening, 512) != 0)) return 1;
  if (strcmp(words[1], "workers") == 0 && fork() == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  printf("ready\n");
  fflush(stdout);
  if (is_udp) serve_datagrams(listening);
  else serve(listening, strcmp(words[1], "fork") == 0);
}
