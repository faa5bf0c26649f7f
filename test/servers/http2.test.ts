/** nghttpd on a free port, asked by Node's own client: what it says it sent and got is what a capture of it holds. */
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { expect, test } from "vitest";
import { isHere } from "../support/servers/programs";
import { freePort, isListening, Stage } from "../support/servers/stage";

const HAS_NGHTTPD = isHere("nghttpd", ["nghttpd"]);
const REQUESTS = 40;

/** Asks for paths at once on one connection; the status codes in the order of the paths. */
async function ask(port: number, paths: string[]): Promise<number[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const codes = await Promise.all(
    paths.map(
      (path) =>
        new Promise<number>((resolve, reject) => {
          const stream = session.request({ ":path": path });
          let code = 0;
          stream.on("response", (headers) => {
            code = Number(headers[":status"]);
          });
          stream.on("end", () => resolve(code)).on("error", reject);
          stream.resume();
          stream.end();
        }),
    ),
  );
  await new Promise<void>((resolve) => session.close(resolve));
  return codes;
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
    const codes = await ask(port, paths);
    const trips = await stage.trips("http2");
    const found = trips.map(({ request, response }) => `${request?.path} ${response?.statusCode}`);
    expect(found.sort()).toEqual(paths.map((path, index) => `${path} ${codes[index]}`).sort());
    const bodies = trips.filter(({ status }) => status === "ok").map(({ response }) => response?.bodyBytes);
    expect(new Set(bodies)).toEqual(new Set([25_000]));
  } finally {
    await stage.end();
  }
});
