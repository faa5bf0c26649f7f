import { setFlagsFromString } from "node:v8";
import { Agent } from "../agent/agent";
import { LevelledLog } from "../agent/log-level";
import { Reload } from "../agent/reload";
import { type AgentOptions, agentSettings } from "../agent/settings";
import { say } from "../capture/session";
import { untilSignal } from "../capture/signals";
import { resolveConfig } from "../config/resolve";

/** `tallywire agent`: reads packets and keeps each minute until the hub has it. Gives the exit code. */
export async function agent(given: AgentOptions & { config?: string }): Promise<number> {
  // An agent runs for months beside others: V8 is to collect what it makes before it asks the system for more.
  setFlagsFromString("--optimize-for-size");
  const resolved = resolveConfig(given);
  for (const line of resolved.warnings) say(line);
  const log = new LevelledLog(say);
  const running = new Agent(agentSettings(resolved.options), log);
  // Without a file there is nothing that could have changed, and a terminal that closes ends it.
  if (resolved.file !== undefined) {
    const reload = new Reload(given, resolved, running, log);
    running.reloadsBy(() => reload.now());
    process.on("SIGHUP", () => void reload.now());
  }
  return await untilSignal(
    () => running.end(),
    () => running.run(),
  );
}
