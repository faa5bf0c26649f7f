/** Runs other programs: their output as it comes, or gathered and shown only when they fail. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's own folder, which every script works in. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A program ended with something else than success; `output` is what it said. */
export class ProgramError extends Error {
  constructor(command, code, output) {
    super(`${command.join(" ")} ended with ${code}`);
    this.output = output;
  }
}

/** The programs that run for this one. */
const running = new Set();
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Makes this process end with all that it runs when it is told to end, or when `orphaned` resolves; gives what takes that back, for one that sees
 * to its end itself.
 */
export function endTogether(orphaned) {
  let isOver = false;
  const release = () => {
    isOver = true;
    for (const signal of ENDING) process.off(signal, end);
  };
  const end = (signal) => {
    if (isOver) return;
    release();
    for (const child of running) child.kill("SIGTERM");
    process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.on(signal, end);
  orphaned?.then(() => end("SIGTERM"));
  return release;
}

/** Runs `command` and gives {code, output}; with `show`, its output goes straight to the terminal too. */
export function run(command, { show = false, env = {}, cwd = ROOT, timeoutSeconds = 0 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32" && command[0] === "npm",
    });
    const timer = timeoutSeconds > 0 ? setTimeout(() => child.kill(), timeoutSeconds * 1000) : undefined;
    running.add(child);
    let output = "";
    const take = (stream) => (chunk) => {
      output += chunk;
      if (show) stream.write(chunk);
    };
    child.stdout.on("data", take(process.stdout));
    child.stderr.on("data", take(process.stderr));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      running.delete(child);
      clearTimeout(timer);
      resolve({ code: code ?? signal, output });
    });
  });
}

/** Runs `command` quietly and fails with what it said unless it succeeds. */
export async function mustRun(command, options) {
  const { code, output } = await run(command, options);
  if (code !== 0) throw new ProgramError(command, code, output);
  return output;
}

/** The npm that started this script, or the one on the path. */
export function npm(...words) {
  const path = process.env.npm_execpath ?? "";
  return /npm-cli\.c?js$/.test(path) ? [process.execPath, path, ...words] : ["npm", ...words];
}

/** A program of a package in node_modules, by the path of its script. */
export function tool(script, ...words) {
  return [process.execPath, `node_modules/${script}`, ...words];
}

/** A program that its package may have replaced by a native one when it was installed, as esbuild does except on Windows. */
export function nativeTool(script, ...words) {
  return process.platform === "win32" ? tool(script, ...words) : [`node_modules/${script}`, ...words];
}

/** Says one line to the person who waits. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}
