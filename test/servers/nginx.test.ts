/** nginx, a server of node behind it, and node's own clients: what each of the three counted is what is told. */
import { writeFileSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { readRoundTrips } from "../support/round-trips";
import { NGINX_PROGRAMS, startNginx } from "../support/servers/nginx";
import { isHere } from "../support/servers/programs";
import { freePort, Stage } from "../support/servers/stage";

const HAS_NGINX = isHere("nginx", NGINX_PROGRAMS);
const PAGE_BYTES = 40_000;
const STREAMS = 60;

/** A request as one side of it knows it. */
interface Seen {
  asked: string;
  statusCode: number;
  requestBytes: number;
  responseBytes: number;
}

const textOf = ({ asked, statusCode, requestBytes, responseBytes }: Seen) =>
  `${asked} ${statusCode} ${requestBytes}/${responseBytes}`;

/** What a round trip tells of the same. */
const toldOf = ({ request: asked, response }: RoundTrip) =>
  textOf({
    asked: `${asked?.method} ${asked?.path}`,
    statusCode: Number(response?.statusCode),
    requestBytes: Number(asked?.bodyBytes ?? 0),
    responseBytes: Number(response?.bodyBytes ?? 0),
  });

/** The server behind nginx: answers in chunks, slowly where it is asked to; `seen` is its own record. */
function upstream(seen: Seen[]): Server {
  return createServer((asked, answer) => {
    let requestBytes = 0;
    asked.on("data", (bytes) => (requestBytes += bytes.length));
    asked.on("end", () => {
      if (asked.url === "/behind/slow") return;
      const chunks = Number(asked.url!.split("/").at(-1));
      const statusCode = chunks % 5 === 4 ? 500 : 200;
      answer.writeHead(statusCode, { "content-type": "text/plain" });
      for (let i = 0; i < chunks; i++) answer.write("c".repeat(1000));
      answer.end();
      seen.push({ asked: `${asked.method} ${asked.url}`, statusCode, requestBytes, responseBytes: chunks * 1000 });
    });
  });
}

/** A client over some connections that stay open, with its own record. */
class Browser {
  readonly seen: Seen[] = [];
  readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(private readonly port: number) {}

  ask(method: string, path: string, { body = "", headers = {} }: { body?: string; headers?: Record<string, string> } = {}) {
    return new Promise<Record<string, string | string[] | undefined>>((resolve, reject) => {
      const form = { host: "127.0.0.1", port: this.port, agent: this.agent, method, path, headers };
      const asked = request(form, (answer) => {
        let responseBytes = 0;
        answer.on("data", (bytes) => (responseBytes += bytes.length));
        answer.on("end", () => {
          const statusCode = answer.statusCode!;
          this.seen.push({ asked: `${method} ${path}`, statusCode, requestBytes: body.length, responseBytes });
          resolve(answer.headers);
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }
}

/** Asks for paths at once on one connection of HTTP/2. */
async function askAll(port: number, paths: string[]): Promise<Seen[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const one = (path: string) =>
    new Promise<Seen>((resolve, reject) => {
      const seen = { asked: `GET ${path}`, statusCode: 0, requestBytes: 0, responseBytes: 0 };
      const stream = session.request({ ":path": path });
      stream.on("response", (headers) => (seen.statusCode = Number(headers[":status"])));
      stream.on("data", (bytes) => (seen.responseBytes += bytes.length));
      stream.on("end", () => resolve(seen)).on("error", reject);
      stream.end();
    });
  const seen = await Promise.all(paths.map(one));
  await new Promise<void>((resolve) => session.close(resolve));
  return seen;
}

const CONFIGURATION = (ports: { plain: number; two: number; behind: number; dead: number }) => `
server {
  listen 127.0.0.1:${ports.plain};
  location /behind/ { proxy_pass http://127.0.0.1:${ports.behind}; proxy_http_version 1.1; }
  location /behind/slow { proxy_pass http://127.0.0.1:${ports.behind}; proxy_http_version 1.1; proxy_read_timeout 1s; }
  location /dead/ { proxy_pass http://127.0.0.1:${ports.dead}; }
  location /moved/ { return 301 /page.txt; }
}
server {
  listen 127.0.0.1:${ports.two} http2;
  location /behind/ { proxy_pass http://127.0.0.1:${ports.behind}; proxy_http_version 1.1; }
}
`;

async function browse(browser: Browser): Promise<void> {
  const headers = await browser.ask("GET", "/page.txt");
  for (let i = 0; i < 30; i++) await browser.ask("GET", "/page.txt");
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => browser.ask(i % 2 ? "GET" : "HEAD", i % 3 ? "/page.txt" : `/none/${i}`)),
  );
  for (let i = 0; i < 5; i++) await browser.ask("GET", "/page.txt", { headers: { "if-none-match": String(headers.etag) } });
  await browser.ask("GET", "/page.txt", { headers: { range: "bytes=0-99" } });
  await browser.ask("GET", "/moved/away");
  await browser.ask("PUT", "/page.txt", { body: "x".repeat(3000) });
  await Promise.all(Array.from({ length: 40 }, (_, i) => browser.ask("GET", `/behind/${i}`)));
  for (let i = 0; i < 10; i++) await browser.ask("POST", `/behind/${i}`, { body: "b".repeat(i * 1000) });
  await browser.ask("GET", "/dead/end");
  await browser.ask("GET", "/behind/slow");
}

describe.runIf(HAS_NGINX)("nginx before a server of node", () => {
  const stage = HAS_NGINX ? new Stage("nginx") : undefined;
  const behind: Seen[] = [];
  const server = upstream(behind);
  const ports = { plain: 0, two: 0, behind: 0, dead: 0 };
  let browser = new Browser(0);
  let streams: Seen[] = [];
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.behind = (server.address() as AddressInfo).port;
    for (const name of ["plain", "two", "dead"] as const) ports[name] = await freePort();
    writeFileSync(stage!.path("page.txt"), "p".repeat(PAGE_BYTES));
    await startNginx(stage!, ports.two, CONFIGURATION(ports));
    await stage!.record(...Object.values(ports));
    browser = new Browser(ports.plain);
    await browse(browser);
    browser.agent.destroy();
    const paths = Array.from({ length: STREAMS }, (_, i) => ["/page.txt", `/none/${i}`, `/behind/${i}`][i % 3]!);
    streams = await askAll(ports.two, paths);
    trips = readRoundTrips(await stage!.recorded());
  }, 40_000);

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await stage?.end();
  });

  const to = (port: number) => trips.filter((trip) => trip.server.port === port);

  test("what the browser asked nginx for, with status and bytes", () => {
    expect(to(ports.plain).map(toldOf).sort()).toEqual(browser.seen.map(textOf).sort());
    const codes = new Set(browser.seen.map(({ statusCode }) => statusCode));
    expect([...codes].sort()).toEqual([200, 206, 301, 304, 404, 405, 500, 502, 504]);
    expect(new Set(to(ports.plain).map(({ protocol }) => protocol))).toEqual(new Set(["http"]));
    expect(new Set(to(ports.plain).map(({ client }) => client.port)).size).toBeLessThanOrEqual(4);
  });

  test("streams of HTTP/2", () => {
    expect(to(ports.two).map(toldOf).sort()).toEqual(streams.map(textOf).sort());
    expect(new Set(to(ports.two).map(({ protocol }) => protocol))).toEqual(new Set(["http2"]));
  });

  test("what nginx asked the server behind it for: a round trip of its own for each", () => {
    const isAnswered = ({ response }: RoundTrip) => response !== undefined;
    expect(to(ports.behind).filter(isAnswered).map(toldOf).sort()).toEqual(behind.map(textOf).sort());
    const others = to(ports.behind).filter((trip) => !isAnswered(trip));
    expect(others.map(({ request: asked, status }) => `${asked?.path} ${status}`)).toEqual(["/behind/slow closed"]);
  });
});
