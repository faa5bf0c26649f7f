import { tagsHeader } from "../agent/settings";
import { Failure } from "../failure";
import type { ConfigValue } from "./keys";

/** What a value means, or what is wrong with it, in words that follow its name. */
export type Checked = { value: unknown; wrong?: undefined } | { wrong: string };

const ON = new Set(["true", "yes", "on", "1"]);
const OFF = new Set(["false", "no", "off", "0"]);

/** What a value of a file means, which YAML has read; `source` is how it is written there, where it is no text, list or map. */
export function checkValue(kind: ConfigValue, given: unknown, source?: string): Checked {
  switch (kind.kind) {
    case "flag":
      return typeof given === "boolean" ? { value: given } : { wrong: "is true or false" };
    case "whole":
      return checkWhole(kind, typeof given === "number" ? given : Number.NaN);
    case "list":
      if (typeof given === "string" && given !== "") return { value: [given] };
      return Array.isArray(given) && given.every((one) => typeof one === "string" && one !== "")
        ? { value: given.length > 0 ? given : undefined }
        : { wrong: "is a list of texts" };
    case "tags":
      return checkTags(given);
    case "labels":
      return checkLabels(given);
    default:
      return typeof given === "string" ? checkText(kind, given) : { wrong: `is a text${textMeant(kind, given, source)}` };
  }
}

/** How what is no text would be one; nothing where that cannot be told. */
function textMeant(kind: ConfigValue, given: unknown, source: string | undefined): string {
  if (kind.kind === "text" && kind.isList && Array.isArray(given) && given.every((one) => typeof one === "string"))
    return `: write "${given.join(",")}"`;
  return source === undefined ? "" : `: write "${source}"`;
}

/** What the text of a variable means. */
export function checkWords(kind: ConfigValue, text: string): Checked {
  switch (kind.kind) {
    case "flag":
      if (ON.has(text.toLowerCase())) return { value: true };
      return OFF.has(text.toLowerCase()) ? { value: false } : { wrong: "is true or false" };
    case "whole":
      return checkWhole(kind, /^\d+$/.test(text) ? Number(text) : Number.NaN);
    case "list":
      return { value: text.split(/[\s,]+/).filter(Boolean) };
    case "tags":
      return checkTagWords(text);
    default:
      return checkText(kind, text);
  }
}

function checkWhole({ least, most }: { least: number; most: number }, value: number): Checked {
  const isFit = Number.isInteger(value) && value >= least && value <= most;
  return isFit ? { value } : { wrong: `is a whole number from ${least} to ${most}` };
}

function checkText(kind: ConfigValue, text: string): Checked {
  if (text === "") return { wrong: "is empty: leave it out" };
  if (kind.kind === "choice" && !kind.choices.includes(text)) return { wrong: `is one of ${kind.choices.join(", ")}` };
  if (kind.kind === "text" && kind.form?.test(text) === false) return { wrong: `is made of ${kind.called}` };
  return { value: text };
}

/** As the command line writes them. */
function checkTags(given: unknown): Checked {
  if (typeof given === "string") return checkTagWords(given);
  if (typeof given !== "object" || given === null || Array.isArray(given)) return { wrong: "is name: value each" };
  const entries = Object.entries(given);
  const isPlain = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
  const bad = entries.find(([, value]) => !isPlain(value) || String(value).includes(","));
  if (bad) return { wrong: `is name: value each, a text without commas; ${bad[0]} is not` };
  return entries.length > 0 ? checkTagWords(entries.map(([name, value]) => `${name}=${value}`).join(",")) : { value: undefined };
}

function checkTagWords(text: string): Checked {
  if (text === "") return { wrong: "is empty: leave it out" };
  try {
    tagsHeader(text);
    return { value: text };
  } catch (error) {
    if (error instanceof Failure) return { wrong: `cannot be: ${error.message}` };
    throw error;
  }
}

/** As the command line writes them. Which there are, the core knows. */
function checkLabels(given: unknown): Checked {
  if (typeof given === "string") return checkText({ kind: "labels" }, given);
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return { wrong: "is a list of labels for each protocol" };
  const entries = Object.entries(given);
  const isName = (word: unknown) => typeof word === "string" && /^[^,+=]*$/.test(word);
  const bad = entries.find(([protocol, list]) => !isName(protocol) || !Array.isArray(list) || !list.every(isName));
  if (bad) return { wrong: `is a list of labels for each protocol; ${bad[0]} has none` };
  const words = entries.map(([protocol, list]) => `${protocol}=${(list as string[]).join("+")}`);
  return { value: words.length > 0 ? words.join(",") : undefined };
}
