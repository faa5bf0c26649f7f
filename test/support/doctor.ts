/** Runs `tallywire doctor` as a user does, and reads what it found. */
import { spawn } from "node:child_process";
import type { Finding } from "../../shim/doctor/finding";
import { COMMAND, runOf } from "./command";
import { ROOT } from "./repository";

/** How `tallywire doctor -o json` ended, and what it found, by the names of its checks. */
export interface Examined {
  code: number | NodeJS.Signals | null;
  found: Record<string, Finding>;
}

export interface ExamineOptions {
  env?: Record<string, string>;
  /** Words of the program that runs it, as `setpriv --reuid=65534`. */
  by?: readonly string[];
  /** Another copy of the program. */
  command?: string;
}

/** Runs it with these words. No setting of this host's environment reaches it. */
export async function examine(
  words: readonly string[],
  { env, by = [], command = COMMAND }: ExamineOptions = {},
): Promise<Examined> {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^TALLYWIRE_|COLOR/.test(name)));
  const [program = "", ...rest] = [...by, process.execPath, command, "doctor", ...words, "-o", "json"];
  const child = spawn(program, rest, { cwd: ROOT, env: { ...own, ...env } });
  child.stdin.end();
  const { code, stdout, stderr } = await runOf(child);
  try {
    const { checks } = JSON.parse(stdout) as { checks: (Finding & { name: string })[] };
    return { code, found: Object.fromEntries(checks.map(({ name, ...finding }) => [name, finding])) };
  } catch (cause) {
    throw new Error(`it ended with ${code} and said no JSON: ${stdout}${stderr}`, { cause });
  }
}
