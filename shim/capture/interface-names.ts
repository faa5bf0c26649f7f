import { Failure } from "../failure";

/** Which interfaces are meant: names and patterns of names (`*`, `?`) with commas between them; `any` is all. */
export class InterfaceNames {
  /** The one name, where it is no pattern: then there is one interface to be bound to. */
  readonly single: string | undefined;
  private readonly names: string[];
  private readonly patterns: RegExp[];

  /** Throws Failure where there is none. */
  constructor(readonly words: string) {
    this.names = words
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    if (this.names.length === 0) throw new Failure(`"${words}" names no interface; tallywire interfaces lists them`, 2);
    const only = this.names.length === 1 ? this.names[0]! : undefined;
    this.single = only === undefined || only === "any" || /[*?]/.test(only) ? undefined : only;
    this.patterns = this.names.map(patternOf);
  }

  /** Whether all interfaces are meant. */
  get isAll(): boolean {
    return this.has("\0");
  }

  /** Names and patterns that are none of these interfaces. */
  missing(interfaces: readonly string[]): string[] {
    return this.names.filter((_, index) => !interfaces.some((name) => this.patterns[index]!.test(name)));
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
