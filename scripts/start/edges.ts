/** Runs agents as processes of their own, as they would run on other hosts. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

/** One edge: its name and key, its site, where its spool lies. */
export interface Edge {
  site: string;
  key: string;
  hub: string;
  spool: string;
}

function agent(root: string, { site, key, hub, spool }: Edge, input: string[]): { child: ChildProcess; said: () => string } {
  const words = [
    join(root, "shim/bin/tallywire.mjs"),
    "agent",
    ...input,
    "--hub",
    hub,
    "--tags",
    `site=${site}`,
    "--spool",
    spool,
  ];
  const env = { ...process.env, TALLYWIRE_KEY: key };
  const child = spawn(process.execPath, words, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  return { child, said: () => text.trim() };
}

/** Lets an agent read a capture and post its minutes; fails with what it said where it does not end well. */
export function runEdge(root: string, edge: Edge, capture: string): Promise<void> {
  const { child, said } = agent(root, edge, ["--file", capture]);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`the agent of ${edge.site} ended with ${code}: ${said()}`)),
    );
  });
}

/** An agent on an interface, until it is told to end. */
export interface LiveEdge {
  pid: number;
  /** Settles where it ends by itself, with what it said. */
  ended: Promise<string>;
  /** Tells it to end and waits. */
  stop(): Promise<void>;
}

/** Starts an agent on an interface. */
export function startLiveEdge(root: string, edge: Edge, interfaceName: string): LiveEdge {
  const { child, said } = agent(root, edge, ["--interface", interfaceName]);
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", () => resolve(said()));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
