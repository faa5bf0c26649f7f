/**
 * What a read key may be limited to: conditions on tags, as they stand in the key and under its MAC:
 *
 *     base64url("site=fra1,ams2;role=!db")
 *
 * Names are in order and values percent-encoded, so that equal conditions have one text.
 */

/** A condition on a tag: its value is, or is not, one of these; "" where an edge does not have the tag. */
export interface KeyCondition {
  tag: string;
  values: string[];
  negated: boolean;
}

const TAG = /^[a-z][a-z0-9_]{0,31}$/;
const CONDITION = /^([^=]*)=(!?)(.*)$/;
const CONDITIONS_MAX = 8;
/** Characters of the text, so that a key fits a header and a line. */
const TEXT_LENGTH_MAX = 720;

/** The text of conditions in a key. Throws RangeError where they cannot be in one. */
export function encodeConditions(conditions: readonly KeyCondition[]): string {
  const inOrder = [...conditions].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  const text = inOrder
    .map(({ tag, values, negated }) => `${tag}=${negated ? "!" : ""}${values.map(encodeValue).join(",")}`)
    .join(";");
  const faulty = inOrder.find(
    ({ tag, values }, index) => !TAG.test(tag) || values.length === 0 || inOrder[index + 1]?.tag === tag,
  );
  if (faulty !== undefined) throw new RangeError(`"${faulty.tag}" is no condition of a key: name each tag once, with its values`);
  if (conditions.length > CONDITIONS_MAX || text.length > TEXT_LENGTH_MAX) {
    throw new RangeError(`a key takes ${CONDITIONS_MAX} conditions of ${TEXT_LENGTH_MAX} characters together`);
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The conditions of a text in a key; null where it is none, or not in its one form. */
export function decodeConditions(encoded: string): KeyCondition[] | null {
  try {
    const conditions = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"))
      .split(";")
      .map((text): KeyCondition => {
        const [, tag = "", not, values = ""] = CONDITION.exec(text) ?? [];
        return { tag, values: values.split(",").map(decodeURIComponent), negated: not === "!" };
      });
    return encodeConditions(conditions) === encoded ? conditions : null;
  } catch {
    return null;
  }
}

function encodeValue(value: string): string {
  return encodeURIComponent(value).replaceAll("!", "%21");
}

/** Conditions as a person writes them. */
export function describeConditions(conditions: readonly KeyCondition[]): string {
  return conditions.map(({ tag, values, negated }) => `${tag}=${negated ? "!" : ""}${values.join(",")}`).join(" ");
}
