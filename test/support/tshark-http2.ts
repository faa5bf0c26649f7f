/** HTTP/2 as tshark takes it apart: header blocks and bodies by stream. */
import { tsharkJson } from "./tshark";

export type Row = [name: string, value: string];

/** What one side sent on a stream: its header blocks, and what its DATA frames held without padding. */
export interface StreamSide {
  blocks: Row[][];
  body: Buffer;
}

type Tree = { [name: string]: Tree | Tree[] | string | string[] };

const all = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const bytesOf = (text: string) => Buffer.from(text.replaceAll(":", ""), "hex");

/** What a side of a stream is known by: whose ends are `address:port`. */
export const sideKey = (from: string, to: string, stream: unknown) => `${from} ${to} ${stream}`;

/** Both sides of all streams, by `sideKey`. */
export function tsharkStreams(file: Uint8Array, words: string[] = []): Map<string, StreamSide> {
  const found = new Map<string, StreamSide>();
  for (const layers of tsharkJson(file, "http2", ["ip", "ipv6", "tcp", "http2"], words) as Tree[]) {
    const network = (layers.ip ?? layers.ipv6) as Tree;
    const transport = all(layers.tcp).at(-1) as Tree;
    const from = `${network["ip.src"] ?? network["ipv6.src"]}:${transport["tcp.srcport"]}`;
    const to = `${network["ip.dst"] ?? network["ipv6.dst"]}:${transport["tcp.dstport"]}`;
    for (const frame of all(layers.http2 as Tree | Tree[])) {
      for (const stream of all(frame["http2.stream"] as Tree | Tree[])) addFrame(found, (id) => sideKey(from, to, id), stream);
    }
  }
  return found;
}

function addFrame(found: Map<string, StreamSide>, keyOf: (id: unknown) => string, frame: Tree): void {
  const key = keyOf(frame["http2.streamid"]);
  const side = found.get(key) ?? { blocks: [], body: Buffer.alloc(0) };
  found.set(key, side);
  const rows = all(frame["http2.header"] as Tree | Tree[]);
  if (rows.length > 0) {
    side.blocks.push(rows.map((row): Row => [`${row["http2.header.name"]}`, `${row["http2.header.value"] ?? ""}`]));
  }
  const data = all(frame["http2.data.data"] as string | string[])[0];
  const whole = (frame["http2.body.fragments"] as Tree | undefined)?.["http2.body.reassembled.data"];
  if (whole !== undefined) side.body = bytesOf(whole as string);
  else if (data !== undefined) side.body = Buffer.concat([side.body, bytesOf(data)]);
}
