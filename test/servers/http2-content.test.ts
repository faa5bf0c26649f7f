/** Node's own server and client of HTTP/2: header fields, bodies and trailers as each end says that it got them. */
import { connect as connectHttp2, createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { type Row, rowsOf } from "../support/contents";
import { coreModule } from "../support/round-trips";
import { isHere } from "../support/servers/programs";
import { freePort, Stage } from "../support/servers/stage";

const MAY_RUN = isHere("http2 of node", []);
const REQUESTS = 60;
const BODY_BYTES = 1500;
const CODINGS = { identity: (text: string) => Buffer.from(text), gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

/** Names and values in a flat list, but those that are fields of their own. */
const rowsIn = (raw: string[]): Row[] =>
  Array.from({ length: raw.length / 2 }, (_, index): Row => [raw[2 * index]!, raw[2 * index + 1]!]).filter(
    ([name]) => !name.startsWith(":"),
  );

/** What both ends say of one stream. */
interface Said {
  asked: Row[];
  answered: Row[];
  trailers: Row[];
  sent: string;
  got: string;
}

const textOf = (index: number) => `{"n":${index},"text":"${"some words of it ".repeat(index * 3)}"}`;

function answer(stream: ServerHttp2Stream, path: string): void {
  const index = Number(path.slice(1));
  const names = Object.keys(CODINGS) as (keyof typeof CODINGS)[];
  const coding = names[index % names.length]!;
  const headers: OutgoingHttpHeaders = {
    ":status": index % 7 === 0 ? 418 : 200,
    "content-type": "application/json",
    "set-cookie": [`a=${index}`, `b=${index % 5}`],
    "x-turn": `${index % 11}`,
    ...(coding === "identity" ? {} : { "content-encoding": coding }),
  };
  stream.respond(headers, { waitForTrailers: index % 3 === 0 });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": `${index % 4}`, "x-last": "z" }));
  stream.end(CODINGS[coding](textOf(index)));
}

/** Has a client ask a server; what they say, by path. */
async function exchange(port: number): Promise<Map<string, Said>> {
  const said = new Map<string, Said>();
  const server = createServer();
  server.on("stream", (stream, headers, _, raw: string[] = []) => {
    const path = String(headers[":path"]);
    said.set(path, { asked: rowsIn(raw), answered: [], trailers: [], sent: textOf(Number(path.slice(1))), got: "" });
    stream.setEncoding("utf8").on("data", (text) => (said.get(path)!.got += text));
    stream.on("end", () => answer(stream, path));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const ask = (index: number) =>
    new Promise<void>((resolve, reject) => {
      const path = `/${index}`;
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "text/plain",
        "x-run": `${index % 6}`,
        cookie: [`one=${index % 3}`, "two=2"],
        authorization: "Bearer abc",
      });
      stream.on("response", (_, __, raw: string[] = []) => (said.get(path)!.answered = rowsIn(raw)));
      stream.on("trailers", (_, __, raw: string[] = []) => (said.get(path)!.trailers = rowsIn(raw)));
      stream.on("end", resolve).on("error", reject).resume();
      stream.end(`body ${index} `.repeat(index * 5));
    });
  await Promise.all(Array.from({ length: REQUESTS }, (_, index) => ask(index)));
  await new Promise<void>((resolve) => session.close(resolve));
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return said;
}

test.runIf(MAY_RUN)("what both ends got is what is shown", { timeout: 20_000 }, async () => {
  const stage = new Stage("http2-content");
  try {
    const port = await freePort();
    await stage.record(port);
    const said = await exchange(port);
    const file = await stage.recorded();
    const core = new Core(coreModule(), { events: true, headers: true, bodyBytes: BODY_BYTES, raw: true });
    const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(true));
    let streams = 0;
    core.drainTo({
      events: (view) => {
        for (const { request, response, marks } of reader.read(view)) {
          const { asked, answered, trailers, sent, got } = said.get(String(request?.path))!;
          streams += 1;
          expect(marks).toEqual([]);
          expect(rowsOf(request)).toEqual(asked);
          expect(rowsOf(response)).toEqual(answered);
          expect(rowsOf(response, "trailers")).toEqual(trailers);
          expect(request?.body ?? "").toBe(got.slice(0, BODY_BYTES));
          const shown = String(response?.body);
          expect(sent.startsWith(shown)).toBe(true);
          expect(shown.length).toBeGreaterThanOrEqual(Math.min(sent.length, BODY_BYTES));
        }
      },
    });
    const input = core.open("file");
    input.write(file);
    input.end();
    core.flush();
    expect(streams).toBe(REQUESTS);
  } finally {
    await stage.end();
  }
});
