/** Who may be connected to the agent's HTTP: those without the token keep nobody out who has it. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LevelledLog } from "../../../shim/agent/log-level";
import { CONNECTIONS_MAX } from "../../../shim/listen/places";
import type { Told } from "../../../shim/listen/routes";
import { type Listener, listen } from "../../../shim/listen/server";

const TOKEN = "a-token-of-some-length";

let listener: Listener;
let port: number;
let open: Socket[];
beforeEach(async () => {
  open = [];
  const told = { log: new LevelledLog(() => {}), isReady: () => true } as unknown as Told;
  listener = await listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, TOKEN, told);
  port = Number(new URL(listener.words).port);
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  listener.close();
});

/** A connection that somebody opens, who says this now and then goes on to hold it. */
async function stranger(says: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  open.push(socket);
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  socket.write(says);
  return socket;
}

/** Asks for what wants the token, on a connection of `agent`, or one of its own. */
function ask(agent: Agent | false = false): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: "/api/v1/log-level", headers, agent }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .once("error", reject)
      .end();
  });
}

describe("a crowd of connections", () => {
  test.each([
    ["that say nothing", ""],
    ["that have begun a request", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"],
    ["that ask whether it is well", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["that bring a wrong token", "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer no\r\n\r\n"],
  ])("%s keeps nobody out who has the token", async (_, says) => {
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const connections = new Set<unknown>();
    kept.on("free", (socket) => connections.add(socket));
    expect(await ask(kept)).toBe(200);
    for (let more = 0; more < 2 * CONNECTIONS_MAX; more += 1) await stranger(says);
    await sleep(50);
    expect(await ask()).toBe(200);
    expect(await ask(kept)).toBe(200);
    expect(connections.size).toBe(1);
    kept.destroy();
  });

  test("that all have the token lets nobody else in, and goes on", async () => {
    const agents = Array.from({ length: CONNECTIONS_MAX }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    for (const agent of agents) expect(await ask(agent)).toBe(200);
    await expect(ask()).rejects.toThrow();
    for (const agent of agents) expect(await ask(agent)).toBe(200);
    agents[0]!.destroy();
    await expect.poll(() => ask().catch(() => 0)).toBe(200);
    for (const agent of agents) agent.destroy();
  });
});

test("who has not shown the token has a connection for one answer", async () => {
  const socket = await stranger("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  let said = "";
  socket.on("data", (data) => {
    said += data;
  });
  await once(socket, "close");
  expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close\r\n/i);
});
