/** nginx with node's own clients under faults: pages of 5 KB and of few bytes, statuses of every class; HTTP/1 and HTTP/2. */
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { NGINX_PROGRAMS, startNginx } from "../../servers/nginx";
import { freePort, type Stage } from "../../servers/stage";
import { HTTP2 } from "../by-id";
import { HTTP } from "../http";
import type { RealServer } from "../recorded";
import { many } from "./many";

/** Paths end in what they get. */
const ENDINGS = ["page.txt", "note.txt", "none", "page.txt", "204", "301", "500", "note.txt"];
const pathOf = (connection: number, number: number) =>
  `/${connection}/${number}/${ENDINGS[(connection + number) % ENDINGS.length]}`;

async function start(stage: Stage, form: string): Promise<number> {
  const port = await freePort();
  writeFileSync(stage.path("page.txt"), "p".repeat(5000));
  writeFileSync(stage.path("note.txt"), "n".repeat(100));
  const codes = [204, 301, 500].map((code) => `location ~ /${code}$ { return ${code}${code === 301 ? " /" : ""}; }`);
  const files = "location ~ /([a-z]+[.]txt)$ { try_files /$1 =404; }";
  await startNginx(stage, port, `server { listen 127.0.0.1:${port} ${form}; ${files} ${codes.join(" ")} }`);
  return port;
}

function get(port: number, agent: Agent, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent, path }, (answer) => {
      answer.on("end", () => resolve(String(answer.statusCode))).resume();
    });
    asked.on("error", reject).end();
  });
}

export const REAL_HTTP: RealServer = {
  ...HTTP,
  ends: "nginx and node",
  programs: NGINX_PROGRAMS,
  start: (stage) => start(stage, ""),
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let number = 0; number < exchanges; number++) {
        const path = pathOf(connection, number);
        outcomes.set(path, await get(port, agent, path));
      }
      agent.destroy();
    }),
};

/** Five streams at a time; a path may be unknown once a header block is missing, its stream is not. */
export const REAL_HTTP2: RealServer = {
  ...HTTP2,
  ends: "nginx and node",
  programs: NGINX_PROGRAMS,
  start: (stage) => start(stage, "http2"),
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const session = connect(`http://127.0.0.1:${port}`);
      const ask = (path: string) =>
        new Promise<void>((resolve, reject) => {
          const stream = session.request({ ":path": path });
          stream.on("response", (headers) => outcomes.set(path, String(headers[":status"])));
          stream.on("end", resolve).on("error", reject).resume();
          stream.end();
        });
      for (let number = 0; number < exchanges; number += 5) {
        await Promise.all([0, 1, 2, 3, 4].map((more) => ask(pathOf(connection, number + more))));
      }
      await new Promise<void>((resolve) => session.close(resolve));
    }),
  nameOf: ({ request: asked }) => asked?.path as string | undefined,
};
