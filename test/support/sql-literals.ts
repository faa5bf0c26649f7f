/** Statements as PostgreSQL and MySQL read them, from their manuals, slowly: what of a text is in literals. */

export type SqlDialect = "mysql" | "postgresql";

interface Reading {
  /** Backslashes escape in strings of no prefix. */
  escapes: boolean;
  /** The server reads what `/*!` holds. */
  executes: boolean;
}

/** What the literals of a statement hold, piece by piece, and its comments. */
export function literalsOf(text: string, dialect: SqlDialect, { escapes, executes }: Reading): string[] {
  const isMysql = dialect === "mysql";
  const found: string[] = [];
  let isInside = false;
  let at = 0;
  const match = (form: RegExp) => {
    form.lastIndex = at;
    return form.exec(text)?.[0] ?? "";
  };
  const take = (end: number, isHidden: boolean) => {
    if (isHidden) found.push(text.slice(at, end));
    at = Math.min(end, text.length);
  };
  const closeOf = (quote: string, from: number, escapes: boolean) => {
    for (let end = from; end < text.length; end++) {
      if (escapes && text[end] === "\\") end += 1;
      else if (text[end] === quote && text[end + 1] === quote) end += 1;
      else if (text[end] === quote) return end + 1;
    }
    return text.length;
  };
  const string = (quote: string, escapes: boolean) => {
    for (;;) {
      take(closeOf(quote, at + 1, escapes), true);
      const between = isMysql ? "" : match(/(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*[\n\r])*(?=')/y);
      if (between === "") return;
      at += between.length;
    }
  };
  const commentEnd = (nests: boolean) => {
    let depth = 1;
    for (let end = at + 2; end < text.length; end++) {
      if (text.startsWith("*/", end)) {
        depth -= 1;
        end += 1;
        if (depth === 0) return end + 1;
      } else if (nests && text.startsWith("/*", end)) {
        depth += 1;
        end += 1;
      }
    }
    return text.length;
  };
  while (at < text.length) {
    const byte = text[at]!;
    const prefix = isMysql ? "" : match(/(?:[ebx]|u&)(?=')/iy);
    if (isInside && text.startsWith("*/", at)) {
      isInside = false;
      at += 2;
    } else if (isMysql ? /^(?:#|--(?:[\0- \x7f]|$))/.test(text.slice(at)) : text.startsWith("--", at)) {
      take(at + match(isMysql ? /[^\n]*/y : /[^\n\r]*/y).length, true);
    } else if (isMysql && executes && !isInside && match(/\/\*M?!\d*/y) !== "") {
      isInside = true;
      at += match(/\/\*M?!\d*/y).length;
    } else if (text.startsWith("/*", at)) {
      take(commentEnd(!isMysql || match(/\/\*M?!/y) !== ""), true);
    } else if (prefix !== "") {
      at += prefix.length;
      string("'", /e/i.test(prefix));
    } else if (byte === "'" || (isMysql && byte === '"')) {
      string(byte, escapes);
    } else if (byte === '"' || (isMysql && byte === "`")) {
      take(closeOf(byte, at + 1, false), false);
    } else if (!isMysql && match(/\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/y) !== "") {
      const tag = match(/\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/y);
      const end = text.indexOf(tag, at + tag.length);
      take(end < 0 ? text.length : end + tag.length, true);
    } else if (!isMysql && match(/\$\d+/y) !== "") {
      at += match(/\$\d+/y).length;
    } else if (/\d/.test(byte)) {
      // In MySQL a name may begin so.
      const word = match(isMysql ? /[\w$\x80-\uffff]+/y : /\d+/y);
      take(at + word.length, !isMysql || /^(?:\d+|0x[\da-f]+|0b[01]+|\d+e\d+)$/i.test(word));
    } else {
      at += match(isMysql ? /[\w$@\x80-\uffff]+/y : /[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*/y).length || 1;
    }
  }
  return found;
}
