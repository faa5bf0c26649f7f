import { TAG_NAME_LENGTH_MAX, TAG_VALUE_LENGTH_MAX, TAGS_MAX } from "./limits";
import { quote, Refusal } from "./refusal";

/** Tags of an edge: what its operator calls it, such as site and role. */
export type Tags = Record<string, string>;

/** Columns of an answer's rows, which no tag may be named after. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...["time", "metric", "edge", "policy", "sampling", "value", "estimate", "lower", "upper", "key", "total", "bound", "q"],
  ...["count", "sum", "min", "max", "mean", "requests", "errors", "bytes", "p50", "p90", "p99"],
  ...["of", "per", "before", "change"],
]);

/** The value of one tag; "" where there is none. A tag may be asked for by any name, also one that every object has. */
export function tagOf(tags: Tags, name: string): string {
  return Object.hasOwn(tags, name) ? tags[name]! : "";
}

/** The form of a tag's name. */
export const TAG_NAME = /^[a-z][a-z0-9_]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Reads the header `tallywire-tags: site=fra1,role=edge`; values are percent-encoded where they hold other than letters, digits and `-._~:/`. */
export function parseTags(header: string | null | undefined): Tags {
  const pairs: [string, string][] = [];
  for (const part of (header ?? "").split(",")) {
    const text = part.trim();
    if (text === "") continue;
    const at = text.indexOf("=");
    if (at <= 0) throw new Refusal(400, "bad_tags", `tag ${quote(text)} is not name=value; separate tags by commas`);
    pairs.push([text.slice(0, at), decodeValue(text.slice(at + 1))]);
  }
  if (pairs.length > TAGS_MAX) throw new Refusal(422, "too_many_tags", `${pairs.length} tags; an edge has at most ${TAGS_MAX}`);
  return checkTags(pairs);
}

/** Checks names and values, and puts them in order, so that equal sets have equal text. */
function checkTags(pairs: [string, string][]): Tags {
  const tags: Tags = {};
  for (const [name, value] of pairs.sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!TAG_NAME.test(name) || name.length > TAG_NAME_LENGTH_MAX) {
      const form = `a-z, 0-9 and _, a letter first, at most ${TAG_NAME_LENGTH_MAX}`;
      throw new Refusal(400, "bad_tags", `tag name ${quote(name)}; use ${form}`);
    }
    if (RESERVED_NAMES.has(name))
      throw new Refusal(400, "bad_tags", `tag name ${quote(name)} is a column of answers; take another`);
    if (Object.hasOwn(tags, name)) throw new Refusal(400, "bad_tags", `tag ${quote(name)} is given twice; give it once`);
    if (value === "" || value.length > TAG_VALUE_LENGTH_MAX || CONTROL.test(value)) {
      const form = `1 to ${TAG_VALUE_LENGTH_MAX} characters without control characters`;
      throw new Refusal(400, "bad_tags", `value of tag ${quote(name)}; use ${form}`);
    }
    tags[name] = value;
  }
  return tags;
}

function decodeValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Refusal(400, "bad_tags", `tag value ${quote(text)} is not percent-encoded UTF-8`, { cause });
  }
}
