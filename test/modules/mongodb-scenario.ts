/** MongoDB whose figures were worked out by hand. */
import { int32, msg } from "../support/mongo";
import { Conversation, pcap, START_NS } from "../support/pcap-builder";
import { CLIENT, SERVER } from "./scenarios";

const MS = 1_000_000n;

const insert = (id: number, collection: string) =>
  msg(id, { insert: collection, $db: "lab" }, { sequences: { documents: [{}, {}] } });
const done = (id: number) => msg(900 + id, { n: int32(2), ok: 1 }, { responseTo: id });
const failed = (id: number) => msg(900 + id, { ok: 0, code: int32(13), codeName: "Unauthorized" }, { responseTo: id });

/**
 * Two exchanges of 10 ms, the second of which fails, an orphan, garbage, a request that stays without response, and a slow exchange a
 * minute later.
 */
export function mongoCapture(): Uint8Array {
  const ends = { client: CLIENT, server: SERVER, serverPort: 27017 };
  const one = new Conversation({ ...ends, stepNs: 5n * MS }).open();
  one
    .send("client", insert(1, "c"))
    .wait(5n * MS)
    .send("server", done(1));
  one
    .send("client", insert(2, "dd"))
    .wait(5n * MS)
    .send("server", failed(2));
  one.send("server", done(3)).send("client", "garbage of more than twenty bytes");
  one.send("client", msg(4, { ping: 1, $db: "lab" }));
  const slow = new Conversation({ ...ends, clientPort: 40001, startNs: START_NS + 60_000n * MS }).open();
  slow
    .send("client", insert(9, "c"))
    .wait(900n * MS)
    .send("server", done(9))
    .close();
  return pcap([...one.packets, ...slow.packets]);
}

/** Requests that wait, more than a small budget holds. */
export function waitingMongoCapture(count: number): Uint8Array {
  const packets = [];
  for (let i = 0; i < count; i += 500) {
    const ends = { client: CLIENT, server: SERVER, serverPort: 27017, clientPort: 20000 + i / 500, stepNs: 1000n };
    const one = new Conversation(ends).open();
    for (let id = 1; id <= 500; id++) one.send("client", insert(id, "c"));
    packets.push(...one.packets);
  }
  return pcap(packets);
}
