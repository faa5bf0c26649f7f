/**
 * OpenSSL's own client over HTTPS from nginx, in the rarer forms of TLS: new keys while a connection lasts, a new handshake inside of one, sessions that
 * are taken up again, a request before the server has answered, and a hello that is asked for twice.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { readRoundTrips } from "../support/round-trips";
import { startNginx } from "../support/servers/nginx";
import { isHere } from "../support/servers/programs";
import { freePort, Stage } from "../support/servers/stage";

const MAY_RUN = isHere("nginx with TLS, asked by OpenSSL", ["nginx", "openssl"]);
const LARGE_BYTES = 100_000;
const STEP_MS = 150;

const get = (path: string, end = "keep-alive") => `GET ${path} HTTP/1.1\r\nHost: lab.test\r\nConnection: ${end}\r\n\r\n`;

const CONFIGURATION = (stage: Stage, plain: number, retry: number) => `
ssl_certificate ${stage.path("cert.pem")};
ssl_certificate_key ${stage.path("key.pem")};
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:sessions:1m;
server { listen 127.0.0.1:${plain} ssl; ssl_early_data on; }
server { listen 127.0.0.1:${retry} ssl; ssl_ecdh_curve secp384r1; }
`;

describe.runIf(MAY_RUN)("TLS in its rarer forms", () => {
  const stage = MAY_RUN ? new Stage("tls-forms") : undefined;
  const ports = { plain: 0, retry: 0, renewed: 0 };
  let renewals = 0;
  let trips: RoundTrip[] = [];

  /** Runs a client that is given `steps` one by one; a step of one letter is a command to it. */
  async function connect(port: number, words: string[], steps: string[]): Promise<string> {
    const common = ["s_client", "-connect", `127.0.0.1:${port}`, "-keylogfile", stage!.path("keys.log")];
    const child = spawn("openssl", [...common, ...words], { stdio: ["pipe", "pipe", "pipe"], cwd: stage!.folder });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes.toString("latin1")));
    child.stdin.on("error", () => {});
    const ended = once(child, "close");
    await sleep(2 * STEP_MS);
    for (const step of steps) {
      child.stdin.write(step);
      await sleep(STEP_MS);
    }
    child.stdin.end();
    await ended;
    return said;
  }

  /** Asks node's own server, which takes new handshakes of a client as nginx does not, for each path, with a handshake between two. */
  async function renew(paths: string[]): Promise<void> {
    const socket = connectTls({ host: "127.0.0.1", port: ports.renewed, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    socket.on("keylog", (line) => appendFileSync(stage!.path("keys.log"), line));
    await once(socket, "secureConnect");
    for (const [index, path] of paths.entries()) {
      if (index > 0) {
        await new Promise<void>((resolve, reject) => socket.renegotiate({}, (error) => (error ? reject(error) : resolve())));
        renewals += 1;
      }
      socket.write(get(path));
      await once(socket, "data");
      await sleep(STEP_MS);
      socket.resume();
    }
    const closed = once(socket, "close");
    socket.end();
    await closed;
  }

  /** What is told of the round trips on a port, in the order of their paths. */
  const told = (port: number) =>
    trips
      .filter(({ server, protocol }) => server.port === port && protocol === "http")
      .map(({ request: asked, response, marks }) => `${asked?.path} ${response?.statusCode} ${response?.bodyBytes} ${marks}`)
      .sort();
  const answered = (said: string) => said.split("HTTP/1.1 200 OK").length - 1;
  const large = (path: string) => `${path} 200 ${LARGE_BYTES} tls`;
  const saidOf = { updates: "", first: "", again: "", early: "", retry: "", twelve: "" };

  beforeAll(async () => {
    const subject = ["-subj", "/CN=lab.test", "-keyout", stage!.path("key.pem"), "-out", stage!.path("cert.pem")];
    stage!.run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject]);
    for (const name of ["a", "b", "c", "d", "e", "f", "g", "h", "i"])
      writeFileSync(stage!.path(`${name}.txt`), "l".repeat(LARGE_BYTES));
    for (const name of ["plain", "retry", "renewed"] as const) ports[name] = await freePort();
    await startNginx(stage!, ports.plain, CONFIGURATION(stage!, ports.plain, ports.retry));
    const identity = { key: readFileSync(stage!.path("key.pem")), cert: readFileSync(stage!.path("cert.pem")) };
    const server = createServer(identity, (asked, answer) => answer.end(`${asked.url} `.repeat(1000)));
    server.listen(ports.renewed, "127.0.0.1");
    stage!.endWith(() => {
      server.closeAllConnections();
      server.close();
    });
    await stage!.record(...Object.values(ports));
    saidOf.updates = await connect(
      ports.plain,
      ["-tls1_3"],
      [get("/a.txt"), "K\n", get("/b.txt"), "k\n", "K\n", get("/c.txt", "close")],
    );
    saidOf.first = await connect(ports.plain, ["-tls1_3", "-sess_out", "session"], [get("/d.txt", "close")]);
    saidOf.again = await connect(
      ports.plain,
      ["-tls1_3", "-sess_in", "session", "-sess_out", "session"],
      [get("/e.txt", "close")],
    );
    writeFileSync(stage!.path("early.txt"), get("/f.txt", "close"));
    saidOf.early = await connect(ports.plain, ["-tls1_3", "-sess_in", "session", "-early_data", "early.txt"], []);
    saidOf.retry = await connect(ports.retry, ["-tls1_3"], [get("/g.txt", "close")]);
    await connect(ports.plain, ["-tls1_2", "-sess_out", "twelve"], [get("/h.txt", "close")]);
    saidOf.twelve = await connect(ports.plain, ["-tls1_2", "-sess_in", "twelve"], [get("/i.txt", "close")]);
    await renew(["/j", "/k", "/l"]);
    const file = await stage!.recorded();
    trips = readRoundTrips(file, { tlsOpener: keyLogOpener(stage!.path("keys.log")) });
  }, 120_000);

  afterAll(() => stage?.end());

  test("the clients had what they asked for, in the form that is meant", () => {
    expect(answered(saidOf.updates)).toBe(3);
    expect(saidOf.updates.match(/KEYUPDATE/g)?.length).toBe(3);
    expect([saidOf.again, saidOf.twelve].map((said) => /^Reused/m.test(said))).toEqual([true, true]);
    expect(saidOf.early).toMatch(/Early data was accepted/);
    expect(renewals).toBe(2);
  });

  test("new keys, sessions taken up again, and a request before the server's answer", () => {
    expect(told(ports.plain)).toEqual(["a", "b", "c", "d", "e", "f", "h", "i"].map((name) => large(`/${name}.txt`)));
  });

  test("a hello that is asked for twice", () => {
    expect(told(ports.retry)).toEqual([large("/g.txt")]);
    expect(trips.filter(({ response }) => response?.helloRetry === true).length).toBe(1);
  });

  test("handshakes inside of a connection of TLS 1.2", () => {
    expect(told(ports.renewed)).toEqual(["/j 200 3000 tls", "/k 200 3000 tls", "/l 200 3000 tls"]);
  });
});
