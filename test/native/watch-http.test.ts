/** Round trips by an agent's HTTP while it captures, by one thread and by several, against the client's own count. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSocket, wholeOf } from "../support/agent-http";
import { LiveAgents } from "../support/capture/live-agents";
import { Listener, Network, networkMissing } from "../support/capture/network";

const REQUESTS = 300;

/** A server of the near side. */
const SERVER = `
  import { createServer } from "node:http";
  createServer((request, response) => response.end("answer to " + request.url)).listen(8080, "10.77.0.1", () => console.log("serving"));`;

/** A client of the far side, which says how many answers it got. */
const CLIENT = `
  let got = 0;
  for (let i = 0; i < ${REQUESTS}; i++) got += (await fetch("http://10.77.0.1:8080/page/" + i % 3)).status === 200 ? 1 : 0;
  console.log(got);`;

const missing = networkMissing();
if (missing !== undefined) console.warn(`nobody watches an agent that captures: ${missing}`);

describe.runIf(missing === undefined)("an agent that captures", () => {
  let network: Network;
  let agents: LiveAgents;
  let folder: string;
  beforeAll(async () => {
    network = new Network();
    await network.ready();
    agents = new LiveAgents(network);
    folder = mkdtempSync(join(tmpdir(), "tallywire-watch-http-"));
    const server = new Listener(network.near.start(process.execPath, "--input-type=module", "-e", SERVER));
    await server.says(/serving/);
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([1, 2])("gives each of the client's requests to who watches; %s threads", { timeout: 60_000 }, async (threads) => {
    const socket = join(folder, `${threads}.sock`);
    const agent = await agents.start("-i", "tw0", "--threads", String(threads), "--listen", `unix:${socket}`);
    const [, tokenPath = ""] = /the token is in (.*)\n/.exec(agent.said)!;
    const headers = { authorization: `Bearer ${readFileSync(tokenPath, "utf8").trim()}` };
    const watch = (filter: string, max: number) =>
      openSocket(socket, `/api/v1/watch?${new URLSearchParams({ filter, max: String(max), timeout: "50" })}`, { headers });
    const linesOf = async (response: IncomingMessage) => {
      const { text } = await wholeOf(response);
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    };
    // From the moment that the answers begin.
    const begun = [await watch("protocol == http", REQUESTS), await watch('http.path == "/page/1"', REQUESTS / 3)];
    const watching = begun.map(linesOf);
    expect(Number(await network.far.script(CLIENT))).toBe(REQUESTS);
    const [all, some] = await Promise.all(watching);
    expect(all!.at(-1)).toEqual({ end: "max", told: REQUESTS, lost: 0 });
    expect(some!.at(-1)).toEqual({ end: "max", told: REQUESTS / 3, lost: 0 });
    expect(all!.filter(({ response }) => response?.statusCode === 200).length).toBe(REQUESTS);
    const ended = await agents.end(agent);
    expect(ended.sum("http_requests_total")).toBe(REQUESTS);
    expect(ended.code).toBe(0);
  });
});
