/** Two hops through a proxy, both on loopback and in one capture: two round trips, whichever kind of proxy and of interface. */
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const MAY_CAPTURE = isHere("a proxy of node", []);

const REQUESTS = 40;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

/** Answers every request with its path, every tenth with 404. */
function origin(): Server {
  return createServer((asked, answer) => {
    answer.writeHead(Number(asked.url?.split("/").at(-1)) % 10 === 9 ? 404 : 200, { "content-type": "text/plain" });
    answer.end(`you asked for ${asked.url}`);
  });
}

/** Passes requests on: those in absolute form to where they say, the others to `originPort`. */
function proxy(originPort: number): Server {
  return createServer((asked: IncomingMessage, answer) => {
    const target = new URL(asked.url ?? "/", `http://127.0.0.1:${originPort}`);
    const headers = { ...asked.headers, via: "1.1 hop" };
    const { method } = asked;
    const onward = request({ host: target.hostname, port: target.port, path: target.pathname, method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, { ...answered.headers, via: "1.1 hop" });
      answered.pipe(answer);
    });
    asked.pipe(onward);
  });
}

function ask(port: number, path: string): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: { "user-agent": "hops/1" } }, (answered) => {
      answered.resume().on("end", () => done(answered.statusCode ?? 0));
    });
    asked.on("error", fail).end();
  });
}

/** Of round trips to `port`: code and path of each. */
function told(trips: RoundTrip[], port: number): string[] {
  return trips
    .filter(({ server }) => server.port === port)
    .map(({ request: asked, response }) => `${response?.statusCode} ${asked?.path}`)
    .sort();
}

test.runIf(MAY_CAPTURE).each(["lo", "any"])(
  "a forward and a reverse proxy, captured on %s",
  { timeout: 60_000 },
  async (device) => {
    const stage = new Stage("proxy");
    try {
      const hidden = origin();
      const originPort = await listen(hidden);
      stage.endWith(() => hidden.close());
      const open = proxy(originPort);
      const proxyPort = await listen(open);
      stage.endWith(() => open.close());
      await stage.recordOn(device, originPort, proxyPort);
      const codes: Record<number, number> = {};
      for (let index = 0; index < REQUESTS; index++) {
        const way = index % 2 === 0 ? `http://127.0.0.1:${originPort}` : "";
        const code = await ask(proxyPort, `${way}/item/${index}`);
        codes[code] = (codes[code] ?? 0) + 1;
      }
      expect(codes).toEqual({ 200: 36, 404: 4 });
      const trips = await stage.trips("http");
      expect(trips.length).toBe(2 * REQUESTS);
      const paths = Array.from({ length: REQUESTS }, (_, index) => `${index % 10 === 9 ? 404 : 200} /item/${index}`).sort();
      expect(told(trips, originPort)).toEqual(paths);
      expect(told(trips, proxyPort)).toEqual(paths);
      expect(trips.every(({ request: asked }) => asked?.userAgent === "hops/1")).toBe(true);
    } finally {
      await stage.end();
    }
  },
);
