/** Whoever ends `npm start`, at whatever moment, finds nothing of it left: no process, no folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { findLoopback } from "../support/capture/loopback";
import { untilSays } from "../support/command";
import { descendantsOf, processesWith, stillRunning } from "../support/processes";
import { ROOT } from "../support/repository";

const MS_MAX = 5 * 60_000;
const SETTLE_MS_MAX = 60_000;
const loopback = findLoopback();
const FOLDER = /\S*\.tallywire\/start-\w+/;

if (process.platform !== "linux") console.warn("that nothing is left of npm start is tested on Linux alone");

interface Way {
  /** Who is told: the script, npm that runs it, or all of them, as Ctrl-C on a terminal does. */
  whom: "node" | "npm" | "all";
  signal: NodeJS.Signals;
  /** What it has said by then. */
  when: RegExp;
}

/** While the edges read, and while it serves. */
const READING = /A hub runs/;
const SERVING = /Ctrl-C ends it/;

const WAYS: Way[] = [
  { whom: "node", signal: "SIGTERM", when: READING },
  { whom: "node", signal: "SIGHUP", when: READING },
  { whom: "npm", signal: "SIGTERM", when: READING },
  { whom: "npm", signal: "SIGHUP", when: READING },
  { whom: "all", signal: "SIGINT", when: READING },
  { whom: "node", signal: "SIGINT", when: SERVING },
  { whom: "npm", signal: "SIGTERM", when: SERVING },
  { whom: "all", signal: "SIGINT", when: SERVING },
];

function startIt(whom: Way["whom"]): ChildProcess {
  const [program, ...words] = whom === "node" ? [process.execPath, join(ROOT, "scripts/start.mjs")] : ["npm", "start"];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|TALLYWIRE_)/.test(name)));
  return spawn(program!, words, { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
}

/** Waits until something is so, or long enough. */
async function isTrue(so: () => boolean): Promise<void> {
  const from = performance.now();
  while (!so() && performance.now() - from < SETTLE_MS_MAX) await sleep(50);
}

describe.runIf(process.platform === "linux")("npm start", { timeout: MS_MAX }, () => {
  test.each(WAYS)("ends with all that it runs when $signal comes to $whom at $when", async ({ whom, signal, when }) => {
    const child = startIt(whom);
    const said = await untilSays(child, when);
    const closed = once(child, "close");
    const started = descendantsOf(child.pid!);
    const folder = FOLDER.exec(started.map(({ command }) => command).join(" "))?.[0];
    // What the live interface saw stands beside the sites', where that is possible.
    if (when === SERVING && loopback.missing === undefined)
      expect(said).toMatch(/^ {2}here .*\d$[\s\S]*^\d+ figures compared .*: all agree$/m);
    expect([folder !== undefined, started.some(({ command }) => command.includes("workerd"))]).toEqual([true, true]);
    process.kill(whom === "all" ? -child.pid! : child.pid!, signal);
    await closed;
    // Those that it started since then have the folder in their words.
    await isTrue(() => stillRunning(started).length === 0 && processesWith(folder!).length === 0);
    expect([stillRunning(started), processesWith(folder!), existsSync(folder!)]).toEqual([[], [], false]);
  });

  test.each<NodeJS.Signals>(["SIGTERM", "SIGINT", "SIGHUP"])(
    "while it installs or builds, ends that too with %s",
    async (signal) => {
      const script = `import { endTogether, run } from ${JSON.stringify(join(ROOT, "scripts/lib/run.mjs"))};
      endTogether();
      const ended = run([process.execPath, "-e", "console.log('built nothing yet'); setInterval(() => {}, 1000)"], { show: true });
      await ended;`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
      await untilSays(child, /built nothing yet/);
      const started = descendantsOf(child.pid!);
      expect(started).toHaveLength(1);
      const closed = once(child, "close");
      child.kill(signal);
      expect(await closed).toEqual([null, signal]);
      await isTrue(() => stillRunning(started).length === 0);
      expect(stillRunning(started)).toEqual([]);
    },
  );
});
