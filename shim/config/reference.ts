import { CONFIG_KEYS, type ConfigKey, GROUPS } from "./keys";
import type { Held } from "./resolve";

/** A configuration that says what is usual, with each key explained; those without a usual value are there as comments. */
export function referenceConfig(): string {
  const head =
    "# Configuration of a tallywire agent: tallywire agent --config FILE\n# Options come first, then variables, then this file. What is marked * changes with SIGHUP while the agent runs.\n";
  return head + sections((key) => `${explained(key)}${line(key, key.usual ?? key.example, key.usual === undefined)}`).join("\n");
}

/** What holds, as a configuration that says it, and where each value comes from. Secrets are not shown. */
export function heldConfig(held: readonly Held[], fileName: string | undefined): string {
  const byPath = new Map(held.map((one) => [one.key.path, one]));
  return sections((key) => {
    const one = byPath.get(key.path);
    if (one === undefined) return "";
    const value = key.isSecret ? "(not shown)" : yamlOf(one.value);
    return line(key, value, key.isSecret === true).replace("\n", `  # ${sourceWords(one, fileName)}\n`);
  }).join("");
}

function sourceWords({ key, source }: Held, fileName = "the file"): string {
  if (source === "option") return `by ${key.flags.replace(/^-., | [<[].*/g, "")}`;
  if (source === "variable") return `by ${key.variable}`;
  return source === "file" ? `by ${fileName}` : "as usual";
}

/** The keys without a group, and each group: what `write` makes of their keys, groups without any left out. */
function sections(write: (key: ConfigKey) => string): string[] {
  const top = CONFIG_KEYS.filter(({ path }) => !path.includes("."))
    .map(write)
    .join("");
  const groups = Object.entries(GROUPS).map(([group, says]) => {
    const keys = CONFIG_KEYS.filter(({ path }) => path.startsWith(`${group}.`))
      .map(write)
      .join("");
    return keys === "" ? "" : `# ${says}\n${group}:\n${keys}`;
  });
  return [top, ...groups].filter((text) => text !== "");
}

const indentOf = (key: ConfigKey) => (key.path.includes(".") ? "  " : "");

function explained(key: ConfigKey): string {
  const variable = key.variable === undefined ? "" : ` (${key.variable})`;
  return `${indentOf(key)}# ${key.changes ? "* " : ""}${key.says}${variable}\n`;
}

function line(key: ConfigKey, value: unknown, isComment: boolean): string {
  const name = key.path.slice(key.path.lastIndexOf(".") + 1);
  return `${indentOf(key)}${isComment ? "# " : ""}${name}: ${value}\n`;
}

/** JSON is YAML. */
function yamlOf(value: unknown): string {
  return typeof value === "string" &&
    /^[a-zA-Z0-9/][\w./:-]*$/.test(value) &&
    !/^(true|false|yes|no|on|off|null|[\d.]+)$/i.test(value)
    ? value
    : JSON.stringify(value);
}
