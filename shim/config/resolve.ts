import type { AgentOptions } from "../agent/settings";
import { Failure } from "../failure";
import { shellWord } from "../shell-word";
import { checkWords } from "./check";
import { type ConfigFile, readConfig } from "./file";
import { CONFIG_KEYS, CONFIG_VARIABLE, type ConfigKey } from "./keys";

/** Where a value comes from. */
export type Source = "option" | "variable" | "file" | "usual";

/** A value that holds. */
export interface Held {
  key: ConfigKey;
  value: unknown;
  source: Source;
}

/** What holds of all that was said. */
export interface Resolved {
  options: AgentOptions;
  /** In the order of the list; keys of which nothing was said and nothing is usual are left out. */
  held: Held[];
  file: ConfigFile | undefined;
  /** What somebody should know, a line each. */
  warnings: string[];
}

/** What is said of interfaces alone. */
const OF_INTERFACES: ReadonlySet<string> = new Set(["interface", "user", "cpuMax", "threads", "promiscuous", "capture"]);

/**
 * Puts together what the command line says, which goes first, the variables, the file, and what is usual. Captures that the command line names
 * are read in place of any interface. Throws Failure.
 */
export function resolveConfig(
  given: AgentOptions & { config?: string },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Resolved {
  const { config = env[CONFIG_VARIABLE] || undefined, ...words } = given;
  const file = config === undefined ? undefined : readConfig(config);
  const held = CONFIG_KEYS.flatMap((key) => heldOf(key, words, env, file) ?? []);
  const isFromFiles = words.file !== undefined;
  const wanted = held.filter(({ key, source }) => !(isFromFiles && OF_INTERFACES.has(key.option) && source !== "option"));
  const options: AgentOptions = { file: words.file };
  for (const { key, value } of wanted) Object.assign(options, { [key.option]: value });
  const warnings =
    file?.isOpen && file.values.has("hub.key")
      ? [`${file.path} holds a key and others may read it; chmod 600 ${shellWord(file.path)}`]
      : [];
  return { options, held: wanted, file, warnings };
}

function heldOf(
  key: ConfigKey,
  words: AgentOptions,
  env: Readonly<Record<string, string | undefined>>,
  file: ConfigFile | undefined,
): Held | undefined {
  const word = words[key.option];
  // The command line can only take away what is usual.
  if (word !== undefined && !(key.usual === true && word === true)) return { key, value: word, source: "option" };
  const text = key.variable && env[key.variable];
  // A variable without a value is one that is not set, as files of variables write it.
  if (text) {
    const checked = checkWords(key.value, text);
    if (checked.wrong !== undefined) throw new Failure(`${key.variable} ${checked.wrong}`, 2);
    return { key, value: checked.value, source: "variable" };
  }
  const value = file?.values.get(key.path);
  if (value !== undefined) return { key, value, source: "file" };
  return key.usual === undefined ? undefined : { key, value: key.usual, source: "usual" };
}
