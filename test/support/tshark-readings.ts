/**
 * DNS and HTTP messages as tshark shows them when it is asked in other ways than for messages.ndjson.
 *
 * How it puts segments together decides what it can show, and every way loses messages that another shows:
 *
 * - WAITING, as for messages.ndjson: a segment that was never captured is waited for to the end, and nothing behind it is
 *   shown (`tcp.reassemble_out_of_order`); bodies are not joined, so a message that begins in the segment in which the body
 *   before it ends is not shown.
 * - GOING_ON does not wait: it loses what came out of order.
 * - BODIES are joined: what stands behind one is shown, what has a body that is cut off is not.
 * - NOTHING is joined: a message is shown without the end of its headers, but only where a segment begins with it, and as
 *   often as that segment was sent; so segments that tshark knows for retransmissions are left out.
 *
 * - BEGUN ANEW behind a hole: tshark takes the first bytes behind one for the length of a DNS message, which they need not be,
 *   and every later message is lost to it. Where the capture is cut in two before one of the next segments, so that tshark begins
 *   anew there, it shows what follows; what both parts show counts together.
 *
 * None shows a message that is not there. So of one connection the most that any shows of a figure counts. Messages of DNS lie
 * together from their first byte to their last: for them there are the first two and the last.
 */
import { add, addAll, comparableName, type Figure, type Figures, isRead, namedFigures, noFigures } from "./messages";
import { tsharkFields, tsharkPart } from "./tshark";

const WAITING = ["tcp.desegment_tcp_streams:TRUE", "http.desegment_body:FALSE", "tcp.reassemble_out_of_order:TRUE"];
const GOING_ON = ["tcp.desegment_tcp_streams:TRUE", "http.desegment_body:FALSE", "tcp.reassemble_out_of_order:FALSE"];
const BODIES = ["tcp.desegment_tcp_streams:TRUE", "http.desegment_body:TRUE", "tcp.reassemble_out_of_order:TRUE"];
const NOTHING = ["tcp.desegment_tcp_streams:FALSE", "http.desegment_headers:FALSE", "tcp.reassemble_out_of_order:FALSE"];
const READINGS = { dns: [WAITING, GOING_ON], http: [WAITING, GOING_ON, BODIES, NOTHING] };

/** Segments behind a hole that tshark may begin anew with, of one connection and in all. */
const SEGMENTS_BEHIND = 4;
const PARTINGS_MAX = 16;

const SEPARATOR = "\u001e";
const FIELDS = [
  "frame.protocols",
  "tcp.stream",
  "tcp.port",
  "tcp.analysis.retransmission",
  "dns.flags.response",
  "dns.flags.rcode",
  "dns.qry.name",
  "http.request.method",
  "http.response.code",
];

/** Layers up to the last transport, by which messages.ndjson tells messages apart. */
function stackOf(protocols: string): string {
  const layers = protocols.split(":");
  if (layers.some((layer) => ["icmp", "icmpv6", "tls", "dtls", "socks"].includes(layer))) return protocols;
  const last = Math.max(...["tcp", "udp", "sctp"].map((transport) => layers.lastIndexOf(transport)));
  return last < 0 ? protocols : layers.slice(0, last + 1).join(":");
}

/** Adds what tshark shows of one packet: the cells of the last fields. */
function addPacket(sum: Figures, cells: string[]): void {
  const values = cells.map((cell) => cell.split(SEPARATOR).filter((value) => value !== ""));
  const [flags = [], rcodes = [], names = [], methods = [], codes = []] = values;
  const answered = flags.filter((flag) => flag === "1" || flag === "True").length;
  sum.dns.responses += answered;
  sum.dns.queries += flags.length - answered;
  for (const rcode of rcodes) add(sum.dns.rcodes, rcode);
  if (answered === 0) for (const name of names) add(sum.dns.names, comparableName(name.toLowerCase()));
  for (const method of methods) add(sum.http.methods, method);
  for (const code of codes) add(sum.http.codes, code);
}

/** One packet under layers that the core reads, and the messages that tshark shows in it. */
interface Shown {
  connection: string;
  isAgain: boolean;
  figures: Figures;
}

/** What one reading shows of each packet. */
function read(file: Uint8Array, preferences: string[]): Shown[] {
  const words = ["-E", `aggregator=${SEPARATOR}`, ...wordsOf(preferences)];
  return tsharkFields(file, FIELDS, words).map(([protocols = "", streams = "", ends = "", again = "", ...cells]) => {
    const figures = noFigures();
    if (isRead(stackOf(protocols))) addPacket(figures, cells);
    const stream = streams.split(SEPARATOR).at(-1) ?? "";
    return { connection: stream === "" ? "" : ends.split(SEPARATOR).sort().join(), isAgain: again !== "", figures };
  });
}

const wordsOf = (preferences: string[]) => preferences.flatMap((preference) => ["-o", preference]);

/** Packets with bytes that come soon behind a hole of a connection, or behind its beginning where that was not captured. */
function behindHoles(file: Uint8Array): number[] {
  const fields = ["frame.number", "tcp.stream", "tcp.len", "tcp.flags.syn", "tcp.analysis.lost_segment"];
  const left: Record<string, number> = {};
  const numbers: number[] = [];
  for (const [number = "", stream = "", length = "", syn = "", lost = ""] of tsharkFields(file, fields, wordsOf(WAITING))) {
    if (stream === "" || stream.includes(",")) continue;
    if (lost !== "" || (!(stream in left) && syn !== "1" && syn !== "True")) left[stream] = SEGMENTS_BEHIND;
    left[stream] ??= 0;
    if (length === "0" || left[stream] === 0) continue;
    left[stream] -= 1;
    numbers.push(Number(number));
  }
  return numbers.slice(0, PARTINGS_MAX);
}

/** What is shown of the file in two parts, cut before packet `number`. */
function readParted(file: Uint8Array, number: number): Shown[] {
  const part = (filter: string) => read(tsharkPart(file, filter), WAITING);
  return [...part(`frame.number < ${number}`), ...part(`frame.number >= ${number}`)];
}

/** The most of each figure that any reading shows of a connection, summed over connections. */
export function mostShown(file: Uint8Array, protocol: "dns" | "http"): Figure {
  const most: Record<string, Figure> = {};
  const whole = READINGS[protocol].map((preferences) => {
    return read(file, preferences).filter(({ isAgain }) => preferences !== NOTHING || !isAgain);
  });
  const parted = protocol === "dns" ? behindHoles(file).map((number) => readParted(file, number)) : [];
  for (const reading of [...whole, ...parted]) {
    const shown: Record<string, Figure> = {};
    for (const { connection, figures } of reading) {
      shown[connection] ??= {};
      addAll(shown[connection], namedFigures(figures)[protocol]);
    }
    for (const [connection, figure] of Object.entries(shown)) {
      most[connection] ??= {};
      for (const [name, count] of Object.entries(figure)) most[connection][name] = Math.max(most[connection][name] ?? 0, count);
    }
  }
  const sum: Figure = {};
  for (const figure of Object.values(most)) addAll(sum, figure);
  return sum;
}

/** How often `packets` show a figure in the way in which messages.ndjson was made. */
export function shownIn(file: Uint8Array, protocol: "dns" | "http", figure: string, packets: number[]): number {
  const shown = read(file, WAITING);
  const counts = packets.map((number) => namedFigures(shown[number - 1]!.figures)[protocol][figure] ?? 0);
  return counts.reduce((sum, count) => sum + count, 0);
}
