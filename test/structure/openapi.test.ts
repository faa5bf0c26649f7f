/** docs/openapi.yaml by a validator of others: its schemas compile, and the small one that the hub's tests use agrees with it. */
import Ajv from "ajv/dist/2020";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { faultsOf, type Schema, valuesOf } from "../support/json-schema";
import { textOf } from "../support/repository";

const page = parse(textOf("docs/openapi.yaml")) as {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string }>>;
  components: { schemas: Record<string, Schema> };
};
const ajv = new Ajv({ strict: false });
ajv.addSchema({ $id: "page", components: { schemas: page.components.schemas } });

const resolve = (ref: string) =>
  ref
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], page) as Schema;

test("operations name themselves once, and what is referred to is there", () => {
  expect(page.openapi).toMatch(/^3\.1\./);
  const ids = Object.values(page.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("$ref" in value) expect(resolve(value.$ref as string), value.$ref as string).toBeDefined();
    for (const part of Object.values(value)) walk(part);
  };
  walk(page);
});

/** Schemas of what is sent to a hub, which tests make values from. */
const SENT = new Set(["Query", "EpochRequest", "RecutRequest", "KeyRequest", "Conditions", "Time", "Names"]);

describe.each(Object.keys(page.components.schemas))("the schema %s", (name) => {
  const schema = page.components.schemas[name]!;
  const check = ajv.getSchema(`page#/components/schemas/${name}`)!;

  test("compiles, and says of any value what the small check says", () => {
    const any = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(0, 60, "", "now", "-1h", [], {}, null, 1.5, true));
    fc.assert(
      fc.property(any, (value) => {
        expect(faultsOf(schema, value, resolve).length === 0).toBe(check(value));
      }),
    );
  });

  if (!SENT.has(name)) return;
  test("passes what is made from it", () => {
    fc.assert(
      fc.property(valuesOf(schema, resolve), (value) => {
        // What can be sent: JSON has neither -0 nor undefined.
        expect(check(JSON.parse(JSON.stringify(value)))).toBe(true);
      }),
    );
  });
});
