/** Captures in which every metric of HTTP/2 and gRPC has something to count. */
import { answer, data, fields, frame, get, headers, plain, SERVER_START, START, statusFields } from "../support/http2";
import { Conversation, join, number, pcap, START_NS } from "../support/pcap-builder";

const MS = 1_000_000n;
const SLOW_NS = START_NS + 60_000n * MS;
const CONTENT: [string, string] = ["content-type", "application/grpc"];
/** A message of a call, with its prefix. */
export const message = (length: number) => join([0], number(length, 4), "m".repeat(length));

/** The request of a call. */
export const call = (stream: number, path: string) => headers(stream, fields("POST", path, [CONTENT]), false);
/** How a call goes well, and how it fails. */
export const ok = (stream: number) =>
  join(
    headers(stream, statusFields(200, [CONTENT]), false),
    data(stream, message(2), false),
    headers(stream, plain("grpc-status", "0")),
  );
export const failed = (stream: number, status: number) =>
  headers(stream, join(statusFields(200, [CONTENT]), plain("grpc-status", String(status))));

/** Two responses of each sort, one slow a minute later, one that nobody asked for, a block that breaks its form. */
export function http2Capture(client: string, server: string): Uint8Array {
  const talk = new Conversation({ client, server, stepNs: 5n * MS }).open().send("client", START).send("server", SERVER_START);
  talk.send("client", get(1, "/users/17")).send("server", answer(1, 200, "hello"));
  talk.send("client", get(3, "/none")).send("server", answer(3, 404));
  talk.send("client", join(get(5, "/waits"), frame(1, 5, 7, [0x80]))).send("server", join(answer(5, 503), answer(7)));
  const orphan = new Conversation({ client, server, clientPort: 40001, startNs: START_NS + 10_000n * MS }).send(
    "server",
    answer(1),
  );
  const slow = new Conversation({ client, server, clientPort: 40002, startNs: SLOW_NS }).open();
  slow
    .send("client", join(START, get(1, "/slow")))
    .wait(900n * MS)
    .send("server", join(SERVER_START, answer(1)));
  return pcap([talk, orphan, slow].flatMap(({ packets }) => packets));
}

/** The same of calls: two that succeed, one of them slow, one that fails, one whose messages break their form, and an orphan. */
export function grpcCapture(client: string, server: string): Uint8Array {
  const talk = new Conversation({ client, server, stepNs: 5n * MS }).open().send("client", START).send("server", SERVER_START);
  talk.send("client", join(call(1, "/e/Good"), data(1, message(3)))).send("server", ok(1));
  talk.send("client", join(call(3, "/e/Bad"), data(3, message(3)))).send("server", failed(3, 5));
  talk.send("client", join(call(5, "/e/Odd"), data(5, "no message"))).send("server", failed(5, 13));
  const orphan = new Conversation({ client, server, clientPort: 40001, startNs: START_NS + 10_000n * MS }).send("server", ok(1));
  const slow = new Conversation({ client, server, clientPort: 40002, startNs: SLOW_NS }).open();
  slow
    .send("client", join(START, call(1, "/e/Slow"), data(1, message(3))))
    .wait(900n * MS)
    .send("server", join(SERVER_START, ok(1)));
  return pcap([talk, orphan, slow].flatMap(({ packets }) => packets));
}

/** A request and a call that wait when a minute ends. */
export function openCapture(client: string, server: string): Uint8Array {
  const talk = new Conversation({ client, server, startNs: START_NS + 59_500n * MS }).open();
  talk.send("client", join(START, get(1, "/waits"), call(3, "/e/Waits"))).wait(600n * MS);
  return pcap(talk.acknowledge("server").acknowledge("server").packets);
}

/** Calls and their responses, more than a small budget holds. */
export const CALLS = 9000;
export function callsCapture(client: string, server: string): Uint8Array {
  const talks = Array.from({ length: 10 }, (_, index) =>
    new Conversation({ client, server, clientPort: 10_000 + index, stepNs: 1000n }).open().send("client", START),
  );
  for (let index = 0; index < CALLS; index++) talks[index % 10]!.send("client", call(2 * Math.floor(index / 10) + 1, "/e/Waits"));
  const responses = Array.from({ length: 50 }, (_, index) => headers(2 * index + 1, statusFields(200, [CONTENT]), false));
  for (const talk of talks) talk.send("server", join(SERVER_START, ...responses));
  return pcap(talks.flatMap(({ packets }) => packets));
}
