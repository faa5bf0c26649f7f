/** WebSockets in which every metric has something to count. */
import { type Captured, join, pcap, START_NS } from "../support/pcap-builder";
import { AGREED, ASKED, closing, OPCODE, pushed, sent, websocket } from "../support/websocket";
import { CLIENT, MINUTE_NS, SERVER } from "./scenarios";

const MS = 1_000_000n;
const form = (index: number, startNs: bigint) => ({
  client: CLIENT,
  server: SERVER,
  clientPort: 43000 + index,
  stepNs: MS,
  startNs: START_NS + startNs,
});

/** Bytes of the frames of `websocketCapture`. */
export const SENT = {
  good: join(sent(OPCODE.text, "hello"), sent(OPCODE.binary, "1234"), sent(OPCODE.ping, "p"), sent(OPCODE.close, closing(1000))),
  bad: sent(OPCODE.text, "bad"),
  slow: sent(OPCODE.close, closing(4000)),
};

/** One that ends well, one that the server gives up behind bytes that are no frame, and one a minute later that lasts long. */
export function websocketCapture(): Uint8Array {
  const good = websocket(form(0, 0n)).send("client", SENT.good);
  good.send("server", join(pushed(OPCODE.pong, "p"), pushed(OPCODE.close, closing(1000)))).close();
  const bad = websocket(form(1, 100n * MS))
    .send("client", SENT.bad)
    .send("client", [0xf3, 0x85, 1]);
  bad.send("server", pushed(OPCODE.close, closing(1002, "reserved"))).close();
  const slow = websocket(form(2, MINUTE_NS))
    .wait(900n * MS)
    .send("client", SENT.slow);
  slow.send("server", pushed(OPCODE.close, closing(4000))).close();
  return pcap([good, bad, slow].flatMap(({ packets }) => packets));
}

/** One that stays open over the end of its minute. */
export function openWebSocket(): Uint8Array {
  const talk = websocket(form(0, MINUTE_NS - 500n * MS))
    .send("client", sent(OPCODE.text, "a"))
    .wait(6000n * MS);
  return pcap(talk.send("client", sent(OPCODE.text, "b")).acknowledge("server").packets);
}

/** Connections that ask for something else first and then all stay open: more than a small budget has room for. */
export const WEBSOCKETS = 4000;
export function manyWebSockets(): Uint8Array {
  const packets: Captured[] = [];
  for (let index = 0; index < WEBSOCKETS; index++) {
    const talk = websocket({ ...form(0, BigInt(index) * 10_000n), clientPort: 10_000 + index, stepNs: 1000n });
    talk.packets.splice(3);
    talk.next.client -= ASKED.length;
    talk.next.server -= AGREED.length;
    talk.send("client", "GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n").send("server", "HTTP/1.1 204 No Content\r\n\r\n");
    packets.push(
      ...talk
        .wait(100n * MS)
        .send("client", ASKED)
        .send("server", AGREED).packets,
    );
  }
  return pcap(packets.sort((a, b) => Number(a.timeNs - b.timeNs)));
}
