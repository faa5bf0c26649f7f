/** Captures in which every metric of redis has something to count. */
import { type Captured, Conversation, pcap, START_NS } from "../support/pcap-builder";
import { bulk, command, OK } from "../support/redis";
import { CLIENT, MINUTE_NS, SERVER } from "./scenarios";

const MS = 1_000_000n;
const form = { client: CLIENT, server: SERVER, serverPort: 6379, stepNs: 5n * MS };

/** What is asked and answered in the first minute, 5 ms each, over one connection. */
export const EXCHANGES: [asked: string, answer: string][] = [
  [command("SET", "user:17", "Ada"), OK],
  [command("GET", "user:17"), bulk("Ada")],
  [command("GET", "plain"), "$-1\r\n"],
  [command("INCR", "user:17"), "-WRONGTYPE no integer\r\n"],
];

/** The slow one of the next minute. */
export const SLOW: [asked: string, answer: string] = [command("KEYS", "*"), "*0\r\n"];
export const ORPHAN = ":5\r\n";

/** Four exchanges, a response that nobody asked for, a reply that is none, and a slow exchange a minute later. */
export function redisCapture(): Uint8Array {
  const talk = new Conversation(form).open();
  for (const [asked, answer] of EXCHANGES) talk.send("client", asked).send("server", answer);
  talk.send("server", ORPHAN).close();
  const bad = new Conversation({ ...form, clientPort: 40001, startNs: START_NS + 1000n * MS }).open();
  bad.send("client", command("PING")).send("server", "nonsense\r\n").close();
  const slow = new Conversation({ ...form, clientPort: 40002, startNs: START_NS + MINUTE_NS }).open();
  slow
    .send("client", SLOW[0])
    .wait(900n * MS)
    .send("server", SLOW[1])
    .close();
  return pcap([talk, bad, slow].flatMap(({ packets }) => packets));
}

/** A request that waits while the minute ends. */
export function waitingRedisCapture(): Uint8Array {
  const talk = new Conversation({ ...form, startNs: START_NS + 50_000n * MS }).open();
  talk
    .send("client", command("GET", "a"))
    .wait(12_000n * MS)
    .acknowledge("server");
  const later = new Conversation({ ...form, clientPort: 40009, startNs: START_NS + 66_000n * MS }).open().close();
  return pcap([...talk.packets, ...later.packets]);
}

/** Commands that wait on ten connections: more than a small budget has room for. */
export const WAITING = 9000;
export function crowdedRedisCapture(): Uint8Array {
  const talks = Array.from({ length: 10 }, (_, index) =>
    new Conversation({ ...form, clientPort: 10_000 + index, stepNs: 1000n }).open(),
  );
  for (let index = 0; index < WAITING; index++) talks[index % 10]!.send("client", command("GET", "long".repeat(60)));
  const packets: Captured[] = talks.flatMap((talk) => talk.packets);
  return pcap(packets.sort((a, b) => Number(a.timeNs - b.timeNs)));
}
