/** nghttpd on a free port, asked by Node's own client: what it says it sent and got is what a capture of it holds. */
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { expect, test } from "vitest";
import { isHere } from "../support/servers/programs";
import { freePort, isListening, Stage } from "../support/servers/stage";

const HAS_NGHTTPD = isHere("nghttpd", ["nghttpd"]);
const REQUESTS = 40;

/** What a client got of one stream. */
interface Answer {
  code: number;
  /** Names and values of the trailers, in their order. */
  trailers: string[];
}

/** Asks for paths at once on one connection; what came, in the order of the paths. */
async function ask(port: number, paths: string[]): Promise<Answer[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const answers = await Promise.all(
    paths.map(
      (path) =>
        new Promise<Answer>((resolve, reject) => {
          const stream = session.request({ ":path": path });
          const answer: Answer = { code: 0, trailers: [] };
          stream.on("response", (headers) => {
            answer.code = Number(headers[":status"]);
          });
          stream.on("trailers", (_, __, raw: string[] = []) => {
            for (let at = 0; at < raw.length; at += 2) answer.trailers.push(`${raw[at]}: ${raw[at + 1]}`);
          });
          stream.on("end", () => resolve(answer)).on("error", reject);
          stream.resume();
          stream.end();
        }),
    ),
  );
  await new Promise<void>((resolve) => session.close(resolve));
  return answers;
}

test.runIf(HAS_NGHTTPD)("nghttpd: every stream with its status", { timeout: 20_000 }, async () => {
  const stage = new Stage("http2");
  try {
    const port = await freePort();
    writeFileSync(stage.path("page.txt"), "page\n".repeat(5000));
    const words = ["--no-tls", "-a", "127.0.0.1", "-d", stage.folder, `${port}`];
    await stage.serve("nghttpd", words, () => isListening(port));
    await stage.record(port);
    const paths = Array.from({ length: REQUESTS }, (_, index) => (index % 4 === 3 ? `/none/${index}` : "/page.txt"));
    const codes = (await ask(port, paths)).map(({ code }) => code);
    const trips = await stage.trips("http2");
    const found = trips.map(({ request, response }) => `${request?.path} ${response?.statusCode}`);
    expect(found.sort()).toEqual(paths.map((path, index) => `${path} ${codes[index]}`).sort());
    const bodies = trips.filter(({ status }) => status === "ok").map(({ response }) => response?.bodyBytes);
    expect(new Set(bodies)).toEqual(new Set([25_000]));
  } finally {
    await stage.end();
  }
});

test.runIf(HAS_NGHTTPD)("nghttpd: trailers, by reference too", { timeout: 20_000 }, async () => {
  const stage = new Stage("http2-trailers");
  try {
    const port = await freePort();
    writeFileSync(stage.path("page.txt"), "page");
    // A name of the server's own, one of the static table, a long value.
    const fields = ["x-checksum: 0123abcd", 'etag: "7f"', `x-note: ${"n".repeat(200)}`];
    const trailers = fields.flatMap((field) => ["--trailer", field]);
    await stage.serve("nghttpd", ["--no-tls", "-a", "127.0.0.1", "-d", stage.folder, ...trailers, `${port}`], () =>
      isListening(port),
    );
    await stage.record(port);
    const answers = await ask(port, ["/page.txt", "/page.txt", "/none"]);
    expect(answers[0]!.trailers.length).toBe(fields.length);
    const trips = await stage.trips("http2");
    const told = trips.map(({ request, response }) => {
      const rows = (response?.trailers ?? []) as { name: string; value: string }[];
      return `${request?.path} ${response?.statusCode} ${rows.map(({ name, value }) => `${name}: ${value}`).join(" | ")}`;
    });
    const wanted = answers.map(
      ({ code, trailers }, index) => `${index < 2 ? "/page.txt" : "/none"} ${code} ${trailers.join(" | ")}`,
    );
    expect(told.sort()).toEqual(wanted.sort());
    expect(trips.filter(({ marks, response }) => marks.length > 0 || response?.partial)).toEqual([]);
  } finally {
    await stage.end();
  }
});
