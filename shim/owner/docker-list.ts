import { request } from "node:http";
import { type ContainerList, containerName, type ListedContainer } from "./container-names";

const ANSWER_MS = 2000;
const ANSWER_BYTES_MAX = 8 << 20;

/** Containers of Docker or Podman, by the HTTP that they speak on a socket. Source: Docker Engine API, `GET /containers/json`. */
export function dockerList(socketPath: string): ContainerList {
  return async () => {
    const containers: unknown = JSON.parse(await get(socketPath, "/containers/json"));
    return Array.isArray(containers) ? containers.flatMap(listed) : [];
  };
}

function listed(container: { Id?: unknown; Names?: unknown; Labels?: unknown }): ListedContainer[] {
  const { Id: number, Names, Labels: labels } = container ?? {};
  const names = Array.isArray(Names) ? Names.filter((name): name is string => typeof name === "string") : [];
  // Each name begins with a slash; what other containers call it has a second one.
  const own = names.find((name) => name.lastIndexOf("/") <= 0) ?? names[0];
  if (typeof number !== "string" || own === undefined) return [];
  return [{ number, ...containerName(own.replace(/^\//, ""), textsOf(labels)) }];
}

function textsOf(labels: unknown): Record<string, string> {
  const all = Object.entries(typeof labels === "object" && labels !== null ? labels : {});
  return Object.fromEntries(all.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: "localhost", accept: "application/json" };
    const asked = request({ socketPath, path, headers, agent: false, signal: AbortSignal.timeout(ANSWER_MS) }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      if (answer.statusCode !== 200) {
        asked.destroy(new Error(`status ${answer.statusCode}`));
        return;
      }
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      answer.on("end", () => resolve(Buffer.concat(chunks).toString()));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}
