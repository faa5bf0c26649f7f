import { setFlagsFromString } from "node:v8";
import { Agent } from "../agent/agent";
import { type AgentOptions, agentSettings } from "../agent/settings";
import { printable } from "../output/printable";

/** `tallywire agent`: reads packets and keeps each minute until the hub has it. Gives the exit code. */
export async function agent(options: AgentOptions): Promise<number> {
  // An agent runs for months beside others: V8 is to collect what it makes before it asks the system for more.
  setFlagsFromString("--optimize-for-size");
  const settings = agentSettings(options);
  const running = new Agent(settings, (line) => process.stderr.write(`tallywire: ${printable(line)}\n`));
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
