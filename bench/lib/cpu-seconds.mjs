/** What a command takes of the processor. */
import { spawnSync } from "node:child_process";

/** CPU seconds, user and system, of a command whose output is thrown away. Throws where it fails. */
export function cpuSeconds(command) {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
  const { status, stderr } = spawnSync("bash", ["-c", script, "bash", ...command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}`);
  const [user, system] = stderr.trim().split(" ").map(Number);
  return user + system;
}
