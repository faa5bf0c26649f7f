import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import { Failure, reasonOf } from "../failure";
import { checkValue } from "./check";
import { CONFIG_KEYS, type ConfigKey, GROUPS } from "./keys";
import { wrongMeaning } from "./meaning";
import { nearest } from "./nearest";

const BYTES_MAX = 64 << 10;
const ERRORS_SHOWN_MAX = 20;
const ALIASES_MAX = 100;

/** A file's values by the paths of their keys. */
export interface ConfigFile {
  path: string;
  values: ReadonlyMap<string, unknown>;
  /** Whether others than its owner may read it. */
  isOpen: boolean;
}

/** Reads a configuration. Throws Failure, with a line for each thing that is wrong. */
export function readConfig(path: string): ConfigFile {
  const { text, isOpen } = textOf(path);
  return { path, values: new Reader(path, text).values(), isOpen };
}

function textOf(path: string): { text: string; isOpen: boolean } {
  try {
    const file = openSync(path, "r");
    try {
      const { size, mode } = fstatSync(file);
      if (size > BYTES_MAX) throw new Failure(`${path} is larger than a configuration may be: ${BYTES_MAX} bytes`, 2);
      return { text: readFileSync(file, "utf8"), isOpen: (mode & 0o044) !== 0 };
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(`cannot read the configuration ${path}: ${reasonOf(cause)}`, 2, { cause });
  }
}

/** One reading of one text, which finds all that is wrong with it. */
class Reader {
  private readonly lines = new LineCounter();
  private readonly document: Document;
  private readonly wrong: string[] = [];
  private readonly found = new Map<string, unknown>();

  constructor(
    private readonly path: string,
    text: string,
  ) {
    // Its own check of unique keys takes time by the square of them.
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, strict: true, uniqueKeys: false });
  }

  values(): ReadonlyMap<string, unknown> {
    for (const error of this.document.errors) this.note(error.pos[0], wordsOf(error));
    this.refuseTwice();
    const { contents } = this.document;
    if (this.wrong.length === 0 && contents !== null) this.group(contents as Node, "");
    if (this.wrong.length === 0) return this.found;
    const count = this.wrong.length === 1 ? "one thing is" : `${this.wrong.length} things are`;
    const shown = this.wrong.slice(0, ERRORS_SHOWN_MAX);
    if (shown.length < this.wrong.length) shown.push(`and ${this.wrong.length - shown.length} more`);
    throw new Failure(`${count} wrong in the configuration ${this.path}; tallywire config shows how it is written`, 2, {
      below: shown,
    });
  }

  /** Refuses keys that a map has twice, wherever it stands. */
  private refuseTwice(): void {
    visit(this.document, {
      Map: (_, { items }) => {
        const seen = new Set<string>();
        for (const { key } of items) {
          if (!isScalar(key)) continue;
          const name = String(key.value);
          if (seen.has(name)) this.note(key.range?.[0], `the key ${name} is there twice`);
          seen.add(name);
        }
      },
    });
  }

  /** Reads the keys of the file, or those of a group. */
  private group(given: Node, prefix: string): void {
    const node = this.resolved(given);
    // A group that is there and empty says nothing.
    if (isScalar(node) && node.value === null) return;
    if (!isMap(node)) {
      const name = prefix === "" ? "a configuration" : prefix.slice(0, -1);
      this.note(given.range?.[0], `${name} is made of keys and values`);
      return;
    }
    for (const pair of node.items) this.pair(pair as Pair<Node, Node | null>, prefix);
  }

  private pair({ key, value }: Pair<Node, Node | null>, prefix: string): void {
    const name = isScalar(key) ? String(key.value) : "";
    const path = prefix + name;
    const at = key.range?.[0];
    const known = CONFIG_KEYS.find((one) => one.path === path);
    if (prefix === "" && Object.hasOwn(GROUPS, name)) {
      if (value !== null) this.group(value, `${name}.`);
    } else if (known === undefined) this.note(at, this.wrong.length < ERRORS_SHOWN_MAX ? unknownKey(path, prefix) : "");
    else if (value !== null) this.value(known, value);
  }

  private value({ path, value: kind }: ConfigKey, given: Node): void {
    let plain: unknown;
    try {
      plain = given.toJS(this.document, { maxAliasCount: ALIASES_MAX });
    } catch (error) {
      // An alias of nothing, or aliases of aliases that grow beyond all bounds.
      this.note(given.range?.[0], `${path} cannot be read: ${(error as Error).message}`);
      return;
    }
    // A key without a value is not given.
    if (plain === null) return;
    const node = this.resolved(given);
    const checked = checkValue(kind, plain, isScalar(node) ? node.source : undefined);
    const wrong = checked.wrong ?? wrongMeaning(path, checked.value);
    if (wrong !== undefined) this.note(given.range?.[0], `${path} ${wrong}`);
    else if (checked.wrong === undefined) this.found.set(path, checked.value);
  }

  private resolved(node: Node): Node | undefined {
    return isAlias(node) ? node.resolve(this.document) : node;
  }

  private note(offset: number | undefined, words: string): void {
    const { line, col } = this.lines.linePos(offset ?? 0);
    this.wrong.push(`${this.path}:${line}:${col}: ${words}`);
  }
}

/** What YAML finds wrong, in one line. */
function wordsOf({ code, message }: YAMLError): string {
  if (code === "MULTIPLE_DOCS") return "a configuration is one document: leave out --- and what follows it";
  return message.replace(/\n[\s\S]*/, "");
}

/** That a key is not known, and which may have been meant: one of its group, or one that stands elsewhere. */
function unknownKey(path: string, prefix: string): string {
  const paths = CONFIG_KEYS.map((key) => key.path);
  const names =
    prefix === ""
      ? [...paths.filter((one) => !one.includes(".")), ...Object.keys(GROUPS)]
      : paths.filter((one) => one.startsWith(prefix));
  const last = (one: string) => one.slice(one.lastIndexOf(".") + 1);
  const elsewhere = paths.find((one) => last(one).toLowerCase() === last(path).toLowerCase());
  const meant = elsewhere ?? nearest(path, names) ?? nearest(path, paths);
  return `there is no key ${path}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
