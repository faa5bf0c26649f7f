/** Connections whose beginning was not captured: segments without bytes say where the next ones begin. */
import { describe, expect, test } from "vitest";
import { type Captured, Conversation, pcap, START_NS } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { totalsOf } from "../support/summaries";

const ask = (name: string) => `GET /${name} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const answer = (code: number) => `HTTP/1.1 ${code} Said\r\nContent-Length: 5\r\n\r\nhello`;
const LATE_NS = 200_000_000n;

/** What is told, and what is counted as missing. */
function told(packets: Captured[]) {
  const file = pcap(packets, { nanoseconds: true });
  const trips = readRoundTrips(file);
  const lines = trips.map(({ request, response, status }) => `${request?.path ?? "-"} ${response?.statusCode ?? "-"} ${status}`);
  return { lines, missing: totalsOf(file).count("capture_gap_bytes_total") };
}

describe("a connection that was joined in its middle", () => {
  test("where the first response is missing, no request gets another's", () => {
    const talk = new Conversation().send("client", ask("a")).acknowledge("server").lose("server", answer(201));
    for (const [index, name] of ["b", "c", "d"].entries()) {
      talk.wait(LATE_NS).send("client", ask(name));
      talk.send("server", answer(202 + index));
    }
    const { lines, missing } = told(talk.close().packets);
    expect(lines).toEqual(["/a - unobserved", "/b 202 ok", "/c 203 ok", "/d 204 ok"]);
    expect(missing).toBe(answer(201).length);
  });

  test.each([
    [
      "keep-alives of both sides",
      (talk: Conversation, next: { client: number; server: number }) => {
        talk.packet("client", ".", [], next.client - 1).acknowledge("server");
        talk.packet("server", ".", [], next.server - 1).acknowledge("client");
      },
    ],
    [
      "a keep-alive alone",
      (talk: Conversation, next: { client: number; server: number }) => {
        talk.packet("client", ".", [], next.client - 1);
        talk.packet("server", ".", [], next.server - 1);
      },
    ],
    ["acknowledgements", (talk: Conversation) => void talk.acknowledge("client").acknowledge("server")],
  ])("behind %s nothing is missing", (_, begin) => {
    const talk = new Conversation();
    begin(talk, talk.next);
    talk.wait(LATE_NS).send("client", ask("a")).send("server", answer(200));
    talk.wait(LATE_NS).send("client", ask("b")).send("server", answer(204));
    expect(told(talk.close().packets)).toEqual({ lines: ["/a 200 ok", "/b 204 ok"], missing: 0 });
  });

  test("where an acknowledgement is captured before the bytes that it followed", () => {
    const talk = new Conversation().send("client", ask("a")).send("server", answer(200));
    talk.acknowledge("client").acknowledge("server");
    const times = talk.packets.map(({ timeNs }) => timeNs);
    const late = [2, 3, 0, 1].map((from, place) => ({ ...talk.packets[from]!, timeNs: times[place]! }));
    talk.wait(LATE_NS).send("client", ask("b")).send("server", answer(204)).close();
    expect(told([...late, ...talk.packets.slice(4)])).toEqual({ lines: ["/a 200 ok", "/b 204 ok"], missing: 0 });
  });

  test("at its end, and opened anew", () => {
    const talk = new Conversation().close();
    const anew = new Conversation({ startNs: START_NS + LATE_NS, clientSequence: 90_000 }).open();
    anew.send("client", ask("a")).send("server", answer(200)).close();
    expect(told([...talk.packets, ...anew.packets])).toEqual({
      lines: ["/a 200 ok"],
      missing: 0,
    });
  });
});
