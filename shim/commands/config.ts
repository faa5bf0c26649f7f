import { type AgentOptions, agentSettings } from "../agent/settings";
import { say } from "../capture/session";
import { CONFIG_KEYS } from "../config/keys";
import { heldConfig, referenceConfig } from "../config/reference";
import { resolveConfig } from "../config/resolve";
import { configSchema } from "../config/schema";
import { Failure } from "../failure";
import { printText } from "../output/text-output";

export interface ConfigOptions extends AgentOptions {
  config?: string;
  schema?: boolean;
  show?: boolean;
}

/** `tallywire config`: how a configuration is written, or what holds of what was said. Gives the exit code. */
export async function config({ schema, show, ...options }: ConfigOptions): Promise<number> {
  if (schema) await printText(`${JSON.stringify(configSchema(), null, 2)}\n`);
  else if (show) await showHeld(options);
  else if (isSaid(options)) throw new Failure("config explains every key; add --show for what holds of these words", 2);
  else await printText(referenceConfig());
  return 0;
}

/** Whether anything was said that an agent would take. */
function isSaid(options: AgentOptions & { config?: string }): boolean {
  return options.config !== undefined || CONFIG_KEYS.some(({ option, usual }) => (options[option] ?? usual) !== usual);
}

async function showHeld(given: AgentOptions & { config?: string }): Promise<void> {
  const { options, held, file, warnings } = resolveConfig(given);
  for (const line of warnings) say(line);
  await printText(heldConfig(held, file?.path));
  // What each says alone may be right, and together not.
  agentSettings(options);
}
