/** What a filter means, told a second time: over the JSON of round trips, in plain TypeScript, by the schema's own description. */
import { BlockList } from "node:net";
import type { RoundTrip } from "../../engine/round-trip";
import type { FieldSchema, Schema } from "../../engine/schema";

/** What a field's values are to a filter. */
export type FieldType = "number" | "text" | "name" | "word" | "truth" | "list" | "numbers" | "address" | "presence";

/** A field as a filter writes it. */
export interface OracleField {
  name: string;
  type: FieldType;
  /** Its values in a round trip: none where it is not known, several in rows. */
  get(trip: RoundTrip): unknown[];
  /** Names by number, of type name. */
  names?: Map<string, number[]>;
  /** Whether capitals count as small letters. */
  folds?: boolean;
  /** Whether both sides have it, so that it can only stand alone. */
  isTwofold?: boolean;
}

export type Relation = "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" | "contains" | "startswith" | "has" | "in" | "not in";

/** One value of a comparison: two where it is a range. */
export type Item = { value: string | number | boolean; upTo?: string | number };

/** A filter as a tree. */
export type Expression =
  | { kind: "and" | "or"; parts: Expression[] }
  | { kind: "not"; part: Expression }
  | { kind: "anywhere"; text: string }
  | { kind: "test"; field: OracleField; relation?: Relation; items: Item[] };

const NUMBER_KINDS = [1, 2, 3, 4, 11];
const HOSTS = ["host", "authority", "serverName"];
const REPEATED_BY_DNS = ["id", "name", "type", "class", "opcode", "questions"];

/** Capitals of ASCII as small letters. */
export function fold(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether a round trip is what the filter wants. */
export function wants(expression: Expression, trip: RoundTrip, schema: Schema): boolean {
  switch (expression.kind) {
    case "and":
      return expression.parts.every((part) => wants(part, trip, schema));
    case "or":
      return expression.parts.some((part) => wants(part, trip, schema));
    case "not":
      return !wants(expression.part, trip, schema);
    case "anywhere":
      return textsOf(trip, schema).some((text) => fold(text).includes(fold(expression.text)));
    case "test":
      return isSo(expression, trip);
  }
}

function isSo({ field, relation, items }: Expression & { kind: "test" }, trip: RoundTrip): boolean {
  const values = field.get(trip);
  if (relation === undefined) return field.type === "truth" ? values.includes(true) : values.length > 0;
  const isNegated = relation === "!=" || relation === "!~" || relation === "not in";
  if (isNegated && values.length === 0) return false;
  const plain = relation === "!=" ? "==" : relation === "!~" ? "~" : relation;
  // Rows that are there and empty are known, and fit nothing.
  return values.flat().some((value) => items.some((item) => fits(field, plain, value, item))) !== isNegated;
}

function fits(field: OracleField, relation: Relation, value: unknown, { value: wanted, upTo }: Item): boolean {
  if (field.type === "number" || field.type === "numbers") return isInOrder(relation, Number(value), Number(wanted), upTo);
  if (field.type === "address") return isInNetwork(String(value), String(wanted), upTo);
  if (field.type === "truth") return value === wanted;
  const folds = field.folds || field.type !== "text";
  const [has, want] = folds ? [fold(String(value)), fold(String(wanted))] : [String(value), String(wanted)];
  if (field.type === "name" && ["<", "<=", ">", ">="].includes(relation)) {
    return isInOrder(relation, numberOf(field, String(value)), numberOf(field, String(wanted)), undefined);
  }
  if (field.type === "name" && relation === "~" && /^\d+$/.test(has)) return false;
  if (relation === "~") return globToRegExp(want).test(has);
  if (relation === "contains") return has.includes(want);
  return relation === "startswith" ? has.startsWith(want) : has === want;
}

function numberOf({ names }: OracleField, name: string): number {
  return names?.get(fold(name))?.[0] ?? Number(name);
}

function isInOrder(relation: Relation, value: number, wanted: number, upTo: Item["upTo"]): boolean {
  if (relation === "<") return value < wanted;
  if (relation === "<=") return value <= wanted;
  if (relation === ">") return value > wanted;
  if (relation === ">=") return value >= wanted;
  return value >= wanted && value <= Number(upTo ?? wanted);
}

/** node's own reading of addresses and networks is the truth. */
function isInNetwork(address: string, network: string, upTo: Item["upTo"]): boolean {
  const family = (text: string) => (text.includes(":") ? "ipv6" : "ipv4");
  if (family(address) !== family(network)) return false;
  const list = new BlockList();
  const [base = "", bits] = network.split("/");
  if (upTo !== undefined) list.addRange(base, String(upTo), family(base));
  else if (bits === undefined) list.addAddress(base, family(base));
  else list.addSubnet(base, Number(bits), family(base));
  return list.check(address, family(address));
}

function globToRegExp(glob: string): RegExp {
  const parts = glob.match(/\\[\s\S]|[\s\S]/gu) ?? [];
  const source = parts.map((part) => {
    if (part === "*") return "[\\s\\S]*";
    if (part === "?") return "[\\s\\S]";
    return (part.length === 2 && part[0] === "\\" ? part[1]! : part).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`, "u");
}

/** Every text that a text alone is looked for in. */
function textsOf(trip: RoundTrip, schema: Schema): string[] {
  const texts = [trip.client, trip.server].flatMap(({ port, pid, ...own }) => Object.values(own));
  const fields = schema.protocols.find(({ name }) => name === trip.protocol)?.fields ?? [];
  for (const field of fields) {
    const value = trip[field.side]?.[field.name];
    if (value === undefined) continue;
    if (field.kind === 5 || field.kind === 6 || field.kind === 12) texts.push(String(value));
    if (field.kind !== 8) continue;
    const columns = field.names.split(",").filter((column) => column.endsWith(":text"));
    for (const row of value as Record<string, string>[]) for (const column of columns) texts.push(row[column.split(":")[0]!]!);
  }
  return texts;
}

/** All fields of a schema by the names that a filter may use. */
export function oracleFields(schema: Schema): OracleField[] {
  return [...commonFields(schema), ...schema.protocols.flatMap((protocol) => fieldsOf(protocol.name, protocol.fields))];
}

function commonFields(schema: Schema): OracleField[] {
  const one = (value: unknown) => (value === undefined ? [] : [value]);
  const at = (name: string, type: FieldType): OracleField => {
    const path = name.split(".");
    return {
      name,
      type,
      get: (trip) => one(path.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], trip)),
    };
  };
  const numbers = ["interface", "client.port", "server.port", "durationNs", "request.bytes", "response.bytes"];
  const timing = ["requestNs", "serverNs", "responseNs", "handshakeRttNs"].map((name) => `timing.${name}`);
  const tcp = ["retransmissions", "outOfOrder", "gapBytes"].map((name) => `tcp.${name}`);
  const owners = ["process", "user", "container", "pod"].flatMap((name) => [`client.${name}`, `server.${name}`]);
  const ofEither = (name: "pid" | "process" | "container" | "pod", type: FieldType): OracleField => {
    return { name, type, get: ({ client, server }) => [...one(server[name]), ...one(client[name])] };
  };
  return [
    ...["client.pid", "server.pid"].map((name) => at(name, "number")),
    ...owners.map((name) => at(name, "text")),
    ofEither("pid", "number"),
    ...(["process", "container", "pod"] as const).map((name) => ofEither(name, "text")),
    ...["protocol", "status", "direction"].map((name) => at(name, "word")),
    ...[...numbers, ...timing, ...tcp].map((name) => at(name, "number")),
    ...["client.address", "server.address"].map((name) => at(name, "address")),
    at("marks", "list"),
    ...["request", "response", "tcp"].map((name) => at(name, "presence")),
    ...schema.protocols.map(
      ({ name }): OracleField => ({ name, type: "presence", get: (trip) => one(trip.protocol === name || undefined) }),
    ),
  ];
}

function typeOf(kind: number): FieldType {
  if (NUMBER_KINDS.includes(kind)) return "number";
  const others: Record<number, FieldType> = {
    5: "text",
    12: "text",
    6: "name",
    7: "list",
    8: "presence",
    9: "truth",
    10: "numbers",
  };
  return others[kind]!;
}

function fieldsOf(protocol: string, fields: readonly FieldSchema[]): OracleField[] {
  const result: OracleField[] = [];
  for (const side of ["request", "response"] as const) {
    const get = (trip: RoundTrip) => (trip.protocol === protocol && trip[side] ? [trip[side].bytes] : []);
    result.push({ name: `${protocol}.${side}.bytes`, type: "number", get });
  }
  for (const field of fields) {
    const both = fields.filter(({ name }) => name === field.name).length === 2;
    const isRepeated = both && protocol === "dns" && REPEATED_BY_DNS.includes(field.name);
    const inSide = (side: "request" | "response") => (trip: RoundTrip) => {
      const value = trip.protocol === protocol ? trip[side]?.[field.name] : undefined;
      return value === undefined ? [] : [value];
    };
    const inEither = (trip: RoundTrip) => [...inSide("request")(trip), ...inSide("response")(trip)];
    const inFirst = (trip: RoundTrip) => inEither(trip).slice(0, 1);
    result.push(...named(`${protocol}.${field.side}.${field.name}`, protocol, field, inSide(field.side)));
    if (!both) result.push(...named(`${protocol}.${field.name}`, protocol, field, inSide(field.side)));
    else if (field.side === "response") continue;
    else if (isRepeated) result.push(...named(`${protocol}.${field.name}`, protocol, field, inFirst));
    else result.push({ name: `${protocol}.${field.name}`, type: typeOf(field.kind), get: inEither, isTwofold: true });
  }
  return result;
}

/** A field, and the columns of its rows. */
function named(name: string, protocol: string, field: FieldSchema, get: OracleField["get"]): OracleField[] {
  const isHost = (last: string) => HOSTS.includes(last) || (protocol === "dns" && last === "name");
  const own: OracleField = { name, type: typeOf(field.kind), get, folds: isHost(field.name) };
  if (field.kind === 6) own.names = namesOf(field.names);
  if (field.kind !== 8) return [own];
  const columns = field.names.split(",").map((column): OracleField => {
    const [last = "", type] = column.split(":");
    const values: OracleField["get"] = (trip) =>
      get(trip).map((rows) => (rows as Record<string, unknown>[]).map((row) => row[last]));
    return { name: `${name}.${last}`, type: type === "text" ? "text" : "number", get: values, folds: isHost(last) };
  });
  return [own, ...columns];
}

function namesOf(list: string): Map<string, number[]> {
  const names = new Map<string, number[]>();
  for (const part of list.split(",")) {
    const [number = "", name = ""] = part.split("=");
    names.set(fold(name), [...(names.get(fold(name)) ?? []), Number(number)]);
  }
  return names;
}
