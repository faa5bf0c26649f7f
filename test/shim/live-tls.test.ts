/** TLS that is looked into while it happens, with a key log that curl writes on as it goes. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { findLoopback } from "../support/capture/loopback";
import { runOf, startCommand, untilSays } from "../support/command";
import { isHere } from "../support/servers/programs";

const CONNECTIONS = 20;
const { name: loopback, missing } = findLoopback();
const mayRun = isHere("curl under TLS, live", ["curl", "openssl"]) && missing === undefined;

test.runIf(mayRun).each(["1.2", "1.3"])("TLS %s: each request of curl's, as it counts them", async (version) => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-live-tls-"));
  const [key, cert, keys] = ["key.pem", "cert.pem", "keys.log"].map((name) => join(folder, name)) as [string, string, string];
  const names = ["-subj", "/CN=localhost", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...names], { stdio: "ignore" });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, ({ url }, response) => {
    response.statusCode = url?.endsWith("7") ? 404 : 200;
    response.end(`this is ${url}`);
  });
  try {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const child = startCommand(["watch", "http", "-i", loopback, "-f", `tcp port ${port}`, "--tls-keys", keys, "-o", "json"]);
    const run = runOf(child);
    await untilSays(child, /watching /);
    const said: string[] = [];
    for (let i = 0; i < CONNECTIONS; i++) {
      // Two requests on each connection.
      const urls = [`https://127.0.0.1:${port}/first/${i}`, `https://127.0.0.1:${port}/second/${i}`];
      const outputs = urls.flatMap((url) => ["-o", join(folder, "out"), url]);
      const words = [
        "-sk",
        `--tlsv${version}`,
        "--tls-max",
        version,
        "-w",
        "%{urlnum} %{http_code} %{size_download}\n",
        ...outputs,
      ];
      const { stdout } = await promisify(execFile)("curl", words, { env: { ...process.env, SSLKEYLOGFILE: keys } });
      for (const line of stdout.trim().split("\n")) {
        const [number, status, bytes] = line.split(" ");
        said.push(`/${number === "0" ? "first" : "second"}/${i} ${status} ${bytes}`);
      }
    }
    child.kill("SIGTERM");
    const { stdout, code } = await run;
    expect(code).toBe(0);
    const trips = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(trips.map(({ request, response }) => `${request.path} ${response.statusCode} ${response.bodyBytes}`)).toEqual(said);
    expect(said).toHaveLength(2 * CONNECTIONS);
    for (const { marks } of trips) expect(marks).toEqual(["tls"]);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
