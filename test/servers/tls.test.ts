/** A server and clients of node, captured on loopback: as many handshakes as the clients made, and what they agreed on. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { type ConnectionOptions, connect, createServer } from "node:tls";
import { expect, test } from "vitest";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const MAY_SHAKE = isHere("node's own TLS server", ["openssl"]);

interface Agreed {
  version: string | null;
  cipher: string;
}

/** What a client agreed on; undefined where it failed. */
function shake(options: ConnectionOptions): Promise<Agreed | undefined> {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options });
    socket.on("secureConnect", () => {
      const agreed = { version: socket.getProtocol(), cipher: socket.getCipher().standardName };
      socket.on("data", () => socket.end());
      socket.on("close", () => done(agreed));
      socket.write("hello");
    });
    socket.on("error", () => done(undefined));
  });
}

test.runIf(MAY_SHAKE)(
  "node's own TLS",
  async () => {
    const stage = new Stage("tls");
    const [key, cert] = [stage.path("key.pem"), stage.path("cert.pem")];
    const subject = ["-subj", "/CN=lab.test", "-keyout", key, "-out", cert];
    stage.run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject]);
    const server = createServer(
      { key: readFileSync(key), cert: readFileSync(cert), ALPNProtocols: ["h2", "http/1.1"] },
      (socket) => {
        socket.on("data", (bytes) => socket.write(bytes));
        socket.on("error", () => socket.destroy());
      },
    );
    server.on("tlsClientError", () => {});
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    try {
      await stage.record(port);
      const wanted: ConnectionOptions[] = [
        { servername: "a.lab.test", ALPNProtocols: ["h2"] },
        { servername: "b.lab.test", maxVersion: "TLSv1.2" },
        { servername: "c.lab.test", ciphers: "TLS_AES_256_GCM_SHA384" },
        { servername: "d.lab.test", rejectUnauthorized: true },
        { servername: "e.lab.test", ALPNProtocols: ["none"] },
      ];
      const agreed: (Agreed | undefined)[] = [];
      for (const options of wanted) agreed.push(await shake({ port, ...options }));
      const trips = await stage.trips("tls");
      expect(trips.map(({ request }) => request?.serverName)).toEqual(wanted.map(({ servername }) => servername));
      for (const [index, one] of agreed.entries()) {
        const { status, response } = trips[index]!;
        if (one === undefined) {
          // A client that does not trust its server has finished its part of the handshake before it says so.
          if (index === 4) expect([status, response?.alert]).toEqual(["error", "no_application_protocol"]);
        } else {
          expect([status, response?.version, response?.cipher]).toEqual([
            "ok",
            one.version?.replace("v", " ").replace(/ 1$/, " 1.0"),
            one.cipher,
          ]);
        }
      }
      expect(agreed.map((one) => one === undefined)).toEqual([false, false, false, true, true]);
    } finally {
      server.close();
      await stage.end();
    }
  },
  20_000,
);
