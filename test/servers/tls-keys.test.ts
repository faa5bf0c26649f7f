/**
 * HTTPS by curl, Python and node, each with a key log, from an nginx that speaks HTTP/1.1 and HTTP/2 under TLS 1.2 and 1.3: what is inside
 * is what the clients say of it, and what tshark finds with the same secrets.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { readRoundTrips } from "../support/round-trips";
import { startNginx } from "../support/servers/nginx";
import { isHere } from "../support/servers/programs";
import { freePort, Stage } from "../support/servers/stage";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const PROGRAMS = ["nginx", "openssl", "curl", "python3"];
const MAY_RUN = isHere("nginx with TLS", PROGRAMS);

/** Names of ciphers in each version, as OpenSSL has them. */
const SUITES: [version: string, cipher: string][] = [
  ["1.3", "TLS_AES_128_GCM_SHA256"],
  ["1.3", "TLS_AES_256_GCM_SHA384"],
  ["1.3", "TLS_CHACHA20_POLY1305_SHA256"],
  ["1.2", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["1.2", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["1.2", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["1.2", "AES128-GCM-SHA256"],
];

/** What is behind /dead is answered once all of the request is there: nobody listens, but nginx reads it first. */
const CONFIGURATION = (stage: Stage, one: number, two: number, dead: number) => `
ssl_certificate ${stage.path("cert.pem")};
ssl_certificate_key ${stage.path("key.pem")};
ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ALL:@SECLEVEL=0;
server {
  listen 127.0.0.1:${one} ssl;
  location /moved/ { return 301 /small.txt; }
  location /dead/ { proxy_pass http://127.0.0.1:${dead}; }
}
server { listen 127.0.0.1:${two} ssl http2; }
`;

const PYTHON = `
import http.client, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.keylog_filename = sys.argv[2]
version = ssl.TLSVersion.TLSv1_2 if sys.argv[3] == "1.2" else ssl.TLSVersion.TLSv1_3
context.minimum_version = context.maximum_version = version
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context)
for method, path, body in [("GET", "/small.txt", None), ("HEAD", "/large.txt", None), ("POST", "/dead/" + sys.argv[3], "x" * 3000), ("GET", "/large.txt", None)]:
    connection.request(method, path, body)
    answer = connection.getresponse()
    print(method, path, answer.status, len(body or ""), len(answer.read()))
`;

const SMALL = "small";
const LARGE = "l".repeat(400_000);

/** "GET /small.txt 200 0 5", of a round trip: what was asked, its status, and bytes of both bodies. */
const toldOf = ({ request: asked, response }: RoundTrip) =>
  [asked?.method, asked?.path, response?.statusCode, asked?.bodyBytes ?? 0, response?.bodyBytes ?? 0].join(" ");

describe.runIf(MAY_RUN)("an nginx that speaks HTTPS", () => {
  const stage = MAY_RUN ? new Stage("tls-keys") : undefined;
  const keys = () => stage!.path("keys.log");
  const said = { curl: [] as string[], python: [] as string[], node: [] as string[], two: [] as string[] };
  const ports = { one: 0, two: 0 };
  let file: Uint8Array = new Uint8Array(0);
  let trips: RoundTrip[] = [];

  /** Runs a client to its end; the lines that it prints. */
  async function linesOf(program: string, words: string[], env: Record<string, string> = {}): Promise<string[]> {
    const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (bytes) => (text += bytes));
    const [status] = (await once(child, "close")) as [number];
    expect([program, status]).toEqual([program, 0]);
    return text.trim().split("\n");
  }

  async function curl(port: number, version: string, cipher: string, form: string[], paths: string[]): Promise<string[]> {
    const words = ["-sk", ...form, version === "1.3" ? "--tls13-ciphers" : "--ciphers", cipher, "--tls-max", version];
    const each = paths.flatMap((path) => ["-o", "/dev/null", `https://127.0.0.1:${port}${path}`]);
    const written = ["-w", "%{method} %{url_effective} %{http_code} %{size_upload} %{size_download}\\n"];
    const lines = await linesOf("curl", [...words, `--tlsv${version}`, ...written, ...each], { SSLKEYLOGFILE: keys() });
    return lines.map((line) => line.replace(/https:\/\/[^/]+/, ""));
  }

  function askNode(agent: Agent, method: string, path: string, body = ""): Promise<void> {
    return new Promise((resolve, reject) => {
      const form = { host: "127.0.0.1", port: ports.one, agent, method, path, rejectUnauthorized: false };
      const asked = request(form, (answer) => {
        let bytes = 0;
        answer.on("data", (chunk) => (bytes += chunk.length));
        answer.on("end", () => {
          said.node.push(`${method} ${path} ${answer.statusCode} ${body.length} ${bytes}`);
          resolve();
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  async function askAllTwo(paths: string[]): Promise<void> {
    const session = connectHttp2(`https://127.0.0.1:${ports.two}`, { rejectUnauthorized: false });
    (session.socket as TLSSocket | undefined)?.on("keylog", (line) => appendFileSync(keys(), line));
    session.on("error", () => {});
    const one = (path: string) =>
      new Promise<void>((resolve, reject) => {
        let bytes = 0;
        let status = 0;
        const stream = session.request({ ":path": path });
        stream.on("response", (headers) => (status = Number(headers[":status"])));
        stream.on("data", (chunk) => (bytes += chunk.length));
        stream.on("end", () => resolve(void said.two.push(`GET ${path} ${status} 0 ${bytes}`))).on("error", reject);
        stream.end();
      });
    await Promise.all(paths.map(one));
    await new Promise<void>((resolve) => session.close(resolve));
  }

  beforeAll(async () => {
    const subject = ["-subj", "/CN=lab.test", "-keyout", stage!.path("key.pem"), "-out", stage!.path("cert.pem")];
    stage!.run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject]);
    writeFileSync(stage!.path("small.txt"), SMALL);
    writeFileSync(stage!.path("large.txt"), LARGE);
    writeFileSync(keys(), "");
    ports.one = await freePort();
    ports.two = await freePort();
    await startNginx(stage!, ports.one, CONFIGURATION(stage!, ports.one, ports.two, await freePort()));
    await stage!.record(ports.one, ports.two);
    for (const [version, cipher] of SUITES) {
      said.curl.push(...(await curl(ports.one, version, cipher, ["--http1.1"], ["/small.txt", `/none/${cipher}`, "/large.txt"])));
      said.two.push(...(await curl(ports.two, version, cipher, ["--http2"], ["/large.txt", `/two/${cipher}`, "/small.txt"])));
    }
    for (const version of ["1.2", "1.3"])
      said.python.push(...(await linesOf("python3", ["-c", PYTHON, String(ports.one), keys(), version])));
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    agent.on("keylog", (line) => appendFileSync(keys(), line));
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => askNode(agent, i % 3 ? "GET" : "HEAD", i % 2 ? "/small.txt" : "/large.txt")),
    );
    await askNode(agent, "PUT", "/dead/end", "p".repeat(7000));
    await askNode(agent, "GET", "/moved/away");
    agent.destroy();
    await askAllTwo(Array.from({ length: 40 }, (_, i) => ["/small.txt", "/large.txt", `/none/${i}`][i % 3]!));
    file = await stage!.recorded();
    trips = readRoundTrips(file, { tlsOpener: keyLogOpener(keys()) });
  }, 120_000);

  afterAll(() => stage?.end());

  const inside = (port: number) => trips.filter(({ server, protocol }) => server.port === port && protocol !== "tls");

  test("HTTP/1.1 is told as its clients have it", () => {
    expect(inside(ports.one).map(toldOf).sort()).toEqual([...said.curl, ...said.python, ...said.node].sort());
    expect(new Set(inside(ports.one).map(({ protocol, marks }) => `${protocol} ${marks}`))).toEqual(new Set(["http tls"]));
  });

  test("so is HTTP/2", () => {
    expect(inside(ports.two).map(toldOf).sort()).toEqual(said.two.sort());
    expect(new Set(inside(ports.two).map(({ protocol, marks }) => `${protocol} ${marks}`))).toEqual(new Set(["http2 tls"]));
  });

  test("each suite was there, and what is outside of TLS does not change", () => {
    const handshakes = trips.filter(({ protocol }) => protocol === "tls");
    const without = readRoundTrips(file);
    expect(handshakes).toEqual(without);
    expect(new Set(handshakes.map(({ response }) => response?.cipher)).size).toBe(SUITES.length);
  });

  test("secrets of others open nothing", () => {
    const stranger = stage!.path("strangers.log");
    writeFileSync(
      stranger,
      readFileSync(keys(), "latin1").replace(/ ([0-9a-f]{64}) /g, (_, random) => ` ${[...random].reverse().join("")} `),
    );
    expect(readRoundTrips(file, { tlsOpener: keyLogOpener(stranger) })).toEqual(readRoundTrips(file));
    writeFileSync(
      stranger,
      readFileSync(keys(), "latin1").replace(/ ([0-9a-f]{64,96})\n/g, (_, secret) => ` ${[...secret].reverse().join("")}\n`),
    );
    const wrong = readRoundTrips(file, { tlsOpener: keyLogOpener(stranger) });
    expect(wrong.filter(({ protocol }) => protocol !== "tls")).toEqual([]);
  });

  test.runIf(HAS_TSHARK)("tshark finds as many with the same secrets", () => {
    const words = ["-o", `tls.keylog_file:${keys()}`, "-d", `tcp.port==${ports.one},tls`, "-d", `tcp.port==${ports.two},tls`];
    const rows = tsharkFields(file, ["http.request.method", "http2.headers.method"], words);
    const methods = (column: number) =>
      rows
        .flatMap((row) => row[column]!.split(","))
        .filter(Boolean)
        .sort();
    const told = (port: number) =>
      inside(port)
        .map(({ request: asked }) => String(asked?.method))
        .sort();
    expect(methods(0)).toEqual(told(ports.one));
    expect(methods(1)).toEqual(told(ports.two));
  });
});
