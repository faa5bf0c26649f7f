/** Structured texts with a question mark in place of what they say: names, nesting and lists stay. They may end anywhere. */

const STRUCTURE = /[\s[\]{}:,]/;
const WORD = /[^\s[\]{}:,"]/;

/** JSON, or several lines of it, whose strings and numbers are hidden; names of members, true, false and null are not. */
export function hiddenJson(text: string): string {
  const places = new Places();
  let shown = "";
  for (let at = 0; at < text.length; ) {
    const start = at;
    if (text[at] === '"') {
      at = stringEnd(text, at);
      shown += places.isName && isBeforeColon(text, at) ? text.slice(start, at) : '"?"';
      places.isName = false;
    } else if (STRUCTURE.test(text[at]!)) {
      places.pass(text[at]!);
      shown += text[at];
      at += 1;
    } else {
      while (at < text.length && WORD.test(text[at]!)) at += 1;
      const word = text.slice(start, at);
      shown += ["true", "false", "null"].includes(word) ? word : "?";
      places.isName = false;
    }
  }
  return shown;
}

/** Where in objects and lists a text stands. */
class Places {
  /** Whether the name of a member may come here: a string anywhere else is a value, whatever follows it. */
  isName = false;
  private readonly open: string[] = [];

  pass(mark: string): void {
    if (mark === "{" || mark === "[") this.open.push(mark);
    else if (mark === "}" || mark === "]") this.open.pop();
    if (!/\s/.test(mark)) this.isName = (mark === "{" || mark === ",") && this.open.at(-1) === "{";
  }
}

/** One past the string that begins at `start`, or past all where it does not end. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Whether a colon follows the string that ended at `end`. */
function isBeforeColon(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && /\s/.test(text[at]!)) at += 1;
  return text[at] === ":";
}

/** A form whose values are hidden. */
export function hiddenForm(text: string): string {
  return text
    .split("&")
    .map((pair) => (pair.includes("=") ? `${pair.slice(0, pair.indexOf("="))}=?` : "?"))
    .join("&");
}
