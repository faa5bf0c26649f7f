/** What it takes to see real clients under TLS: a certificate, a front that ends TLS before a server, clients that log their secrets. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";
import { ROOT } from "../repository";
import type { Stage } from "./stage";

/** Paths of a key and of its certificate. */
export interface Identity {
  key: string;
  cert: string;
}

/** Has openssl make a certificate for localhost, and its key for `owner` to read. */
export function makeIdentity(stage: Stage, owner?: string): Identity {
  const [key, cert] = [stage.path("key.pem"), stage.path("cert.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...names, "-keyout", key, "-out", cert];
  stage.run("openssl", words);
  if (owner !== undefined) stage.run("chown", [owner, key]);
  return { key, cert };
}

/** Ends TLS before the server on `port`, and logs the secrets of each connection into `keys`; gives the port of loopback that it has. */
export async function startFront(stage: Stage, { key, cert }: Identity, port: number, keys: string, ...ALPNProtocols: string[]) {
  const form = { key: readFileSync(key), cert: readFileSync(cert), ...(ALPNProtocols.length ? { ALPNProtocols } : {}) };
  const server = createServer(form, (outer) => {
    const inner = connect(port, "127.0.0.1");
    for (const socket of [outer, inner]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        outer.destroy();
        inner.destroy();
      });
      stage.endWith(() => socket.destroy());
    }
    outer.pipe(inner).pipe(outer);
  });
  server.on("keylog", (line: Buffer) => appendFileSync(keys, line));
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.endWith(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Runs a script with this program's packages at hand; gives the lines that it prints. Its secrets go into `keys`. Throws what it says where it fails. */
export async function runScript(script: string, words: (string | number)[], keys: string): Promise<string[]> {
  const form = [`--tls-keylog=${keys}`, "--input-type=module", "-e", script, ...words.map(String)];
  const child = spawn(process.execPath, form, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let [said, complained] = ["", ""];
  child.stdout.on("data", (bytes) => (said += bytes));
  child.stderr.on("data", (bytes) => (complained += bytes));
  const [status] = (await once(child, "close")) as [number];
  if (status !== 0) throw new Error(`a client ended with ${status}: ${complained}`);
  return said.trim().split("\n");
}
