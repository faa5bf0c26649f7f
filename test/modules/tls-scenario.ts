/** TLS in which every metric has something to count. */
import { type Captured, pcap, START_NS } from "../support/pcap-builder";
import { alert, clientHello, EXTENSION, extension, handshake12, handshake13, record, talkOf } from "../support/tls";
import { CLIENT, MINUTE_NS, SERVER } from "./scenarios";

const MS = 1_000_000n;
const form = (index: number, startNs: bigint) => ({
  client: CLIENT,
  server: SERVER,
  clientPort: 42000 + index,
  stepNs: MS,
  startNs: START_NS + startNs,
});

/** The ClientHello of each handshake that is asked for, in the order of the names. */
export const HELLOS = ["one.test", "two.test", "bad.test", "odd.test", "slow.test"].map((name) =>
  name === "two.test" ? handshake12(name)[0]![1] : handshake13(name)[0]![1],
);

/**
 * One handshake of TLS 1.3 and one of 1.2, one that ends with an alert, one whose ends speak something else, an answer without
 * its hello, and a slow one a minute later.
 */
export function tlsCapture(): Uint8Array {
  const talks = [
    talkOf(handshake13("one.test"), 4000, form(0, 0n)).close(),
    talkOf(handshake12("two.test"), 4000, form(1, 100n * MS)).close(),
    talkOf([handshake13("bad.test")[0]!, ["server", alert(2, 40)]], 4000, form(2, 200n * MS)).close(),
    talkOf([handshake13("odd.test")[0]!, ["client", "nor TLS"], ["server", "no TLS at all"]], 4000, form(3, 300n * MS)).close(),
    talkOf(handshake12().slice(1), 4000, form(4, 400n * MS)).close(),
    talkOf(handshake13("slow.test").slice(0, 1), 4000, form(5, MINUTE_NS)).wait(900n * MS),
  ];
  for (const [side, bytes] of handshake13("slow.test").slice(1)) talks[5]!.send(side, bytes);
  return pcap(talks.flatMap(({ packets }) => packets));
}

/** One handshake that waits over the end of its minute. */
export function oneHandshake(): Uint8Array {
  const talk = talkOf(handshake13().slice(0, 1), 4000, form(0, 50_000n * MS)).wait(12_000n * MS);
  const later = talkOf([], 4000, form(1, 66_000n * MS)).close();
  return pcap([...talk.acknowledge("server").packets, ...later.packets]);
}

/** Handshakes that wait in the middle of a long hello, on a connection each: more than a small budget has room for. */
export const HANDSHAKES = 4500;
export function waitingHandshakes(): Uint8Array {
  const extensions = [EXTENSION.serverName("n".repeat(255)), extension(21, new Uint8Array(3000))];
  const hello = record(22, clientHello({ extensions })).subarray(0, 1400);
  const packets: Captured[] = [];
  for (let index = 0; index < HANDSHAKES; index++) {
    const at = { ...form(0, BigInt(index) * 10_000n), clientPort: 10_000 + index, stepNs: 1000n };
    packets.push(...talkOf([["client", hello]], 4000, at).packets);
  }
  return pcap(packets);
}
