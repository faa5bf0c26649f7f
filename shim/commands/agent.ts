import { setFlagsFromString } from "node:v8";
import { Agent } from "../agent/agent";
import { Reload } from "../agent/reload";
import { type AgentOptions, agentSettings } from "../agent/settings";
import { say } from "../capture/session";
import { resolveConfig } from "../config/resolve";

/** `tallywire agent`: reads packets and keeps each minute until the hub has it. Gives the exit code. */
export async function agent(given: AgentOptions & { config?: string }): Promise<number> {
  // An agent runs for months beside others: V8 is to collect what it makes before it asks the system for more.
  setFlagsFromString("--optimize-for-size");
  const resolved = resolveConfig(given);
  for (const line of resolved.warnings) say(line);
  const running = new Agent(agentSettings(resolved.options), say);
  // Without a file there is nothing that could have changed, and a terminal that closes ends it.
  if (resolved.file !== undefined) {
    const reload = new Reload(given, resolved, running, say);
    process.on("SIGHUP", () => void reload.now());
  }
  let signals = 0;
  const onSignal = () => {
    signals += 1;
    if (signals > 1) process.exit(1);
    running.end();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await running.run();
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
