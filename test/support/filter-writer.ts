/** Filters made by chance: trees of tests whose values come from round trips that there are, written in any of their forms. */
import fc from "fast-check";
import type { RoundTrip } from "../../engine/round-trip";
import type { Expression, Item, OracleField, Relation } from "./filter-oracle";

/** Takes chances: whole numbers below `count`. */
export type Chance = (count: number) => number;

const NUMBER_RELATIONS: Relation[] = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"];
const TEXT_RELATIONS: Relation[] = ["==", "!=", "~", "!~", "contains", "startswith", "in", "not in"];
const WORD_RELATIONS: Relation[] = ["==", "!=", "~", "in", "not in"];
const RELATIONS: Record<OracleField["type"], Relation[]> = {
  number: NUMBER_RELATIONS,
  numbers: ["has"],
  text: TEXT_RELATIONS,
  name: [...WORD_RELATIONS, "<", ">="],
  word: WORD_RELATIONS,
  truth: ["==", "!=", "in"],
  list: ["has"],
  address: ["==", "!=", "in", "not in"],
  presence: [],
};
const DEPTH_MAX = 4;
const SETS: Relation[] = ["in", "not in", "~", "contains", "has"];
const BARE = /^[A-Za-z0-9_#%*+./:?@-]+$/;

/** A tree over `fields`, with values out of `trips`. */
export function anyExpression(
  fields: readonly OracleField[],
  trips: readonly RoundTrip[],
  chance: Chance,
  depth = 0,
): Expression {
  const turn = depth < DEPTH_MAX ? chance(10) : 9;
  const part = () => anyExpression(fields, trips, chance, depth + 1);
  if (turn < 2) return { kind: "and", parts: Array.from({ length: 2 + chance(2) }, part) };
  if (turn < 4) return { kind: "or", parts: Array.from({ length: 2 + chance(2) }, part) };
  if (turn === 4) return { kind: "not", part: part() };
  if (turn === 5 && chance(4) === 0) return { kind: "anywhere", text: anyText(fields, trips, chance) };
  return anyTest(fields, trips, chance);
}

function anyText(fields: readonly OracleField[], trips: readonly RoundTrip[], chance: Chance): string {
  const texts = fields.filter(({ type }) => type === "text" || type === "address");
  const known = valuesOf(texts[chance(texts.length)]!, trips).map(String);
  const text = known.length > 0 ? known[chance(known.length)]! : "none of it";
  const letters = [...text];
  const first = chance(letters.length + 1);
  return letters.slice(first, first + 1 + chance(8)).join("") || "x";
}

function valuesOf(field: OracleField, trips: readonly RoundTrip[]): unknown[] {
  return trips.flatMap((trip) => field.get(trip).flat());
}

function anyTest(fields: readonly OracleField[], trips: readonly RoundTrip[], chance: Chance): Expression {
  const field = fields[chance(fields.length)]!;
  const relations = RELATIONS[field.type];
  if (relations.length === 0 || field.isTwofold || chance(8) === 0) return { kind: "test", field, items: [] };
  const known = valuesOf(field, trips);
  let relation = relations[chance(relations.length)]!;
  const isOrder = ["<", "<=", ">", ">="].includes(relation);
  const hasTwins = [...(field.names?.values() ?? [])].some((numbers) => numbers.length > 1);
  if (field.type === "name" && isOrder && hasTwins) relation = "==";
  const count = SETS.includes(relation) && chance(2) === 0 ? 1 + chance(4) : 1;
  const items = Array.from({ length: count }, () => anyItem(field, relation, known, chance));
  return { kind: "test", field, relation, items };
}

function anyItem(field: OracleField, relation: Relation, known: readonly unknown[], chance: Chance): Item {
  const value = known.length > 0 ? known[chance(known.length)] : undefined;
  switch (field.type) {
    case "number":
    case "numbers":
      return anyNumber(Number(value ?? chance(1000)), relation, chance);
    case "address":
      return anyNetwork(String(value ?? "192.0.2.7"), chance);
    case "truth":
      return { value: chance(2) === 0 };
    case "list":
      return { value: String(value ?? known[0] ?? (field.name === "marks" ? "gap" : "rd")) };
    case "word":
      return { value: wordOf(field.name, value, relation, chance) };
    case "name": {
      const names = [...field.names!.keys()];
      return {
        value: shaped(String(chance(3) > 0 && value !== undefined ? value : names[chance(names.length)]), relation, chance),
      };
    }
    default:
      return { value: shaped(String(value ?? "none"), relation, chance) };
  }
}

function wordOf(field: string, value: unknown, relation: Relation, chance: Chance): string {
  const others = { protocol: "dns", status: "timeout", direction: "out" } as Record<string, string>;
  return shaped(chance(4) === 0 ? others[field]! : String(value ?? others[field]), relation, chance);
}

function anyNumber(value: number, relation: Relation, chance: Chance): Item {
  const near = Math.max(value < 0 ? value : 0, value + [0, 0, 0, 1, -1][chance(5)]!);
  const isRange = ["==", "!=", "in", "not in", "has"].includes(relation) && chance(3) === 0;
  return isRange ? { value: near, upTo: near + [0, 1, 1000, 1_000_000][chance(4)]! } : { value: near };
}

function anyNetwork(address: string, chance: Chance): Item {
  const turn = chance(4);
  if (turn === 0) return { value: address };
  if (turn === 1) return { value: address, upTo: address };
  return { value: `${address}/${chance((address.includes(":") ? 128 : 32) + 1)}` };
}

/** A value, or a part or a pattern of it, as the relation takes it. */
function shaped(text: string, relation: Relation, chance: Chance): string {
  const letters = [...text];
  if (relation === "~" || relation === "!~") {
    const pattern = letters.map((letter) => (/[*?\\]/.test(letter) ? `\\${letter}` : letter));
    for (let turns = chance(4); turns > 0 && pattern.length > 0; turns--) {
      const place = chance(pattern.length);
      if (chance(2) === 0) pattern[place] = "?";
      else pattern.splice(place, chance(6), "*");
    }
    return pattern.join("");
  }
  if (relation === "startswith") return letters.slice(0, chance(letters.length + 1)).join("");
  if (relation !== "contains") return text;
  const first = chance(letters.length + 1);
  return letters.slice(first, first + chance(8)).join("");
}

/** A tree as text, in any of the forms that mean it. */
export function write(expression: Expression, chance: Chance): string {
  const pick = <T>(...forms: T[]) => forms[chance(forms.length)]!;
  const space = () => pick(" ", " ", "  ", "\t", "\n");
  switch (expression.kind) {
    case "and":
    case "or": {
      const sign = expression.kind === "and" ? pick("and", "&&") : pick("or", "||");
      const parts = expression.parts.map((part) => {
        const isLooser = expression.kind === "and" && part.kind === "or";
        const text = write(part, chance);
        return isLooser || chance(4) === 0 ? `(${pick("", " ")}${text}${pick("", " ")})` : text;
      });
      return parts.join(`${space()}${sign}${space()}`);
    }
    case "not":
      return `${pick("not ", "!", "! ", "not not not ")}(${write(expression.part, chance)})`;
    case "anywhere":
      return quoted(expression.text, chance);
    case "test": {
      const { field, relation, items } = expression;
      if (relation === undefined) return field.name;
      const sign = ({ "==": pick("==", " eq "), "!=": pick("!=", " ne "), "<": pick("<", " lt ") } as Record<string, string>)[
        relation
      ];
      const values = items.map((item) => itemText(field, item, chance));
      const isSet = values.length > 1 || (SETS.includes(relation) && chance(3) === 0);
      const text = isSet ? `{${pick("", " ")}${values.join(pick(", ", ",", " "))}${pick("", " ")}}` : values[0];
      return `${field.name}${sign ?? ` ${relation} `}${pick("", " ")}${text}`;
    }
  }
}

function itemText(field: OracleField, { value, upTo }: Item, chance: Chance): string {
  if (typeof value === "number") {
    const number = (one: number) => numberText(field.name, one, chance);
    return upTo === undefined ? number(value) : `${number(value)}${["..", " .. "][chance(2)]}${number(Number(upTo))}`;
  }
  if (field.type === "address") return upTo === undefined ? String(value) : `${value}..${upTo}`;
  const text = String(value);
  const isName = field.type !== "text" && chance(2) === 0;
  return quotedOrBare(isName ? text.replace(/[a-z]/, (letter) => letter.toUpperCase()) : text, chance);
}

const UNITS: [pattern: RegExp, base: number, units: [unit: string, size: number][]][] = [
  [
    /Ns$/,
    1,
    [
      ["ns", 1],
      ["us", 1e3],
      ["µs", 1e3],
      ["ms", 1e6],
      ["s", 1e9],
      ["min", 6e10],
    ],
  ],
  [
    /Ms$/,
    1e6,
    [
      ["us", 1e3],
      ["ms", 1e6],
      ["s", 1e9],
    ],
  ],
  [
    /[bB]ytes$|contentLength$/,
    1,
    [
      ["B", 1],
      ["k", 1e3],
      ["kB", 1e3],
      ["KiB", 1024],
      ["MB", 1e6],
      ["MiB", 1 << 20],
    ],
  ],
  [
    /./,
    1,
    [
      ["k", 1e3],
      ["M", 1e6],
    ],
  ],
];

/** A number, with a unit where it comes out whole or as a short fraction. */
function numberText(name: string, value: number, chance: Chance): string {
  const [, base, units] = UNITS.find(([pattern]) => pattern.test(name))!;
  const [unit, size] = units[chance(units.length)]!;
  const scaled = (BigInt(value) * BigInt(base) * 10n ** 9n) / BigInt(size);
  const isExact = (scaled * BigInt(size)) / BigInt(base) === BigInt(value) * 10n ** 9n;
  if (value < 0 || chance(2) === 0 || !isExact || (scaled * BigInt(size)) % BigInt(base) !== 0n) {
    return value >= 0 && chance(6) === 0 ? `0x${value.toString(16)}` : String(value);
  }
  const digits = scaled.toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction}`}${unit}`;
}

function quotedOrBare(text: string, chance: Chance): string {
  return BARE.test(text) && chance(2) === 0 ? text : quoted(text, chance);
}

function quoted(text: string, chance: Chance): string {
  if (!text.includes("'") && chance(2) === 0) return `'${text}'`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Chances that a counterexample of fast-check repeats. */
export const chances: fc.Arbitrary<Chance> = fc.noShrink(fc.integer()).map((seed) => {
  let state = seed >>> 0;
  return (count) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) % count;
  };
});
