/** Which interfaces are meant: names and patterns of names (`*`, `?`) with commas between them; `any` is all. */
export class InterfaceNames {
  /** The one name, where it is no pattern: then there is one interface to be bound to. */
  readonly single: string | undefined;
  private readonly patterns: RegExp[];

  constructor(readonly words: string) {
    const names = words.split(",").map((name) => name.trim());
    const only = names.length === 1 ? names[0]! : undefined;
    this.single = only === undefined || only === "any" || /[*?]/.test(only) ? undefined : only;
    this.patterns = names.map(patternOf);
  }

  /** Whether all interfaces are meant. */
  get isAll(): boolean {
    return this.has("\0");
  }

  /** Whether this interface is meant. */
  has(name: string): boolean {
    return this.patterns.some((pattern) => pattern.test(name));
  }
}

function patternOf(name: string): RegExp {
  if (name === "any") return /^/;
  const parts = [...name].map((letter) => (letter === "*" ? ".*" : letter === "?" ? "." : letter.replace(/\W/, "\\$&")));
  return new RegExp(`^${parts.join("")}$`, "s");
}
