/** Runs the built command line, as a user does. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository";

/** The program. */
export const COMMAND = join(ROOT, "shim/bin/tallywire.mjs");

if (!existsSync(join(ROOT, "build/shim/tallywire.mjs"))) throw new Error("the command line is not built; run: npm run build");

/** How a run ended. */
export interface Run {
  code: number | NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What goes to standard input, which is then closed. */
  input?: Uint8Array;
  env?: Record<string, string>;
}

/** Starts `tallywire` with these words. No setting of this host's environment reaches it. */
export function startCommand(words: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^TALLYWIRE_|COLOR/.test(name)));
  return spawn(process.execPath, [COMMAND, ...words], { cwd: ROOT, env: { ...own, ...env } });
}

/** What a started command says, and how it ends. */
export function runOf(child: ChildProcessWithoutNullStreams): Promise<Run> {
  const run = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    run.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    run.stderr += text;
  });
  return new Promise((settle, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => settle({ code: code ?? signal, ...run }));
  });
}

/** Waits until a program has said something like `what`, and gives all that it said by then; fails where it ends before. */
export function untilSays(child: ChildProcess, what: RegExp): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (text: Buffer | string) => {
        said += text;
        if (what.test(said)) resolve(said);
      });
    child.once("close", (code, signal) => reject(new Error(`it ended with ${code ?? signal}: ${said}`)));
  });
}

/** Runs `tallywire` with these words to its end. */
export function tallywire(words: readonly string[], { input, env }: RunOptions = {}): Promise<Run> {
  const child = startCommand(words, env);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return runOf(child);
}
