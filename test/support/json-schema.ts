/** The part of JSON Schema 2020-12 that docs/openapi.yaml uses: checks values, and makes values that pass. An unknown keyword throws. */
import fc from "fast-check";

export type Schema = Readonly<Record<string, unknown>>;
/** Finds what a `$ref` names. */
export type Resolve = (ref: string) => Schema;

/** Keywords that say nothing about a value. */
const ANNOTATIONS = new Set(["description", "default", "title"]);

const CHECKS: Record<string, (wanted: never, value: unknown, check: (schema: Schema, value: unknown) => string[]) => boolean> = {
  enum: (wanted: unknown[], value) => wanted.includes(value),
  const: (wanted: unknown, value) => wanted === value,
  type: (wanted: string | string[], value) => [wanted].flat().some((type) => isOfType(type, value)),
  pattern: (wanted: string, value) => typeof value !== "string" || new RegExp(wanted).test(value),
  minLength: (wanted: number, value) => typeof value !== "string" || [...value].length >= wanted,
  maxLength: (wanted: number, value) => typeof value !== "string" || [...value].length <= wanted,
  minimum: (wanted: number, value) => typeof value !== "number" || value >= wanted,
  maximum: (wanted: number, value) => typeof value !== "number" || value <= wanted,
  multipleOf: (wanted: number, value) => typeof value !== "number" || value % wanted === 0,
  minItems: (wanted: number, value) => !Array.isArray(value) || value.length >= wanted,
  maxItems: (wanted: number, value) => !Array.isArray(value) || value.length <= wanted,
  uniqueItems: (_: boolean, value) => !Array.isArray(value) || new Set(value).size === value.length,
  items: (wanted: Schema, value, check) => !Array.isArray(value) || value.every((item) => check(wanted, item).length === 0),
  oneOf: (wanted: Schema[], value, check) => wanted.filter((schema) => check(schema, value).length === 0).length === 1,
  required: (wanted: string[], value) => !isObject(value) || wanted.every((name) => Object.hasOwn(value, name)),
  propertyNames: (wanted: Schema, value, check) =>
    !isObject(value) || Object.keys(value).every((name) => check(wanted, name).length === 0),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return ["string", "number", "boolean"].includes(type) && typeof value === type;
}

/** What is wrong with a value: where, and by which keyword; nothing where it passes. */
export function faultsOf(schema: Schema, value: unknown, resolve: Resolve, at = "$"): string[] {
  const faults: string[] = [];
  const inner = (other: Schema, part: unknown) => faultsOf(other, part, resolve, at);
  for (const [keyword, wanted] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    if (keyword === "$ref") faults.push(...faultsOf(resolve(wanted as string), value, resolve, at));
    else if (keyword === "properties" || keyword === "additionalProperties") continue;
    else if (CHECKS[keyword] === undefined) throw new Error(`${at}: the schema's keyword ${keyword} is not known here`);
    else if (!CHECKS[keyword](wanted as never, value, inner)) faults.push(`${at}: ${keyword}`);
  }
  return isObject(value) ? [...faults, ...propertyFaults(schema, value, resolve, at)] : faults;
}

function propertyFaults(schema: Schema, value: Record<string, unknown>, resolve: Resolve, at: string): string[] {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const others = schema.additionalProperties as Schema | false | undefined;
  return Object.entries(value).flatMap(([name, part]) => {
    const own = Object.hasOwn(properties, name) ? properties[name] : others;
    if (own === false) return [`${at}.${name}: additionalProperties`];
    return own === undefined ? [] : faultsOf(own, part, resolve, `${at}.${name}`);
  });
}

/** Values that pass a schema. */
export function valuesOf(schema: Schema, resolve: Resolve): fc.Arbitrary<unknown> {
  const of = (other: unknown) => valuesOf(other as Schema, resolve);
  if (typeof schema.$ref === "string") return of(resolve(schema.$ref));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (Array.isArray(schema.oneOf)) {
    return fc.oneof(...schema.oneOf.map(of)).filter((value) => faultsOf(schema, value, resolve).length === 0);
  }
  const {
    minimum = 0,
    maximum = 1e9,
    minItems = 0,
    maxItems = 4,
    minLength = 0,
    maxLength = 20,
  } = schema as Record<string, number>;
  switch (schema.type) {
    case "null":
      return fc.constant(null);
    case "string":
      if (typeof schema.pattern === "string") return fc.stringMatching(new RegExp(schema.pattern));
      return fc.string({ minLength, maxLength: Math.min(maxLength, 20) });
    case "integer": {
      const { multipleOf = 1 } = schema as Record<string, number>;
      const most = Math.floor(Math.min(maximum, 1e7) / multipleOf);
      return fc.integer({ min: Math.ceil(minimum / multipleOf), max: most }).map((count) => count * multipleOf);
    }
    case "number":
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case "array": {
      const items = of(schema.items);
      const bounds = { minLength: minItems, maxLength: Math.min(maxItems, 4) };
      return schema.uniqueItems === true ? fc.uniqueArray(items, bounds) : fc.array(items, bounds);
    }
    case "object": {
      if (schema.additionalProperties !== false) {
        return fc.dictionary(
          of({ type: "string", ...(schema.propertyNames as Schema) }) as fc.Arbitrary<string>,
          of(schema.additionalProperties),
          {
            maxKeys: 3,
          },
        );
      }
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
      const required = (schema.required ?? []) as string[];
      return fc.record(Object.fromEntries(properties.map(([name, own]) => [name, of(own)])), { requiredKeys: required });
    }
    default:
      throw new Error(`no values are made of ${JSON.stringify(schema)}`);
  }
}
