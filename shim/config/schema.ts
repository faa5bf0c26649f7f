import { CONFIG_KEYS, type ConfigKey, type ConfigValue, GROUPS } from "./keys";

type Schema = Record<string, unknown>;

/** The JSON schema (draft 2020-12) of a configuration, for editors and for checks before it is rolled out. */
export function configSchema(): Schema {
  const top: Record<string, Schema> = {};
  for (const key of CONFIG_KEYS.filter(({ path }) => !path.includes("."))) top[key.path] = keySchema(key);
  for (const [group, says] of Object.entries(GROUPS)) {
    const keys = CONFIG_KEYS.filter(({ path }) => path.startsWith(`${group}.`));
    const properties = Object.fromEntries(keys.map((key) => [key.path.slice(group.length + 1), keySchema(key)]));
    top[group] = { description: says, type: ["object", "null"], properties, additionalProperties: false };
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of a tallywire agent",
    type: ["object", "null"],
    properties: top,
    additionalProperties: false,
  };
}

function keySchema({ value, says, usual, isSecret }: ConfigKey): Schema {
  const more: Schema = {};
  if (usual !== undefined) more.default = usual;
  if (isSecret) more.writeOnly = true;
  return { description: says, ...valueSchema(value), ...more };
}

function valueSchema(value: ConfigValue): Schema {
  switch (value.kind) {
    case "flag":
      return { type: ["boolean", "null"] };
    case "whole":
      return { type: ["integer", "null"], minimum: value.least, maximum: value.most };
    case "choice":
      return { enum: [...value.choices, null] };
    case "list": {
      const text = { type: "string", minLength: 1 };
      return { anyOf: [{ ...text }, { type: "array", items: text }, { type: "null" }] };
    }
    case "tags": {
      const values = { anyOf: [{ type: "string", pattern: "^[^,]*$" }, { type: "number" }, { type: "boolean" }] };
      return { anyOf: [{ type: "object", additionalProperties: values }, { type: "string", minLength: 1 }, { type: "null" }] };
    }
    case "labels": {
      const name = { type: "string", pattern: "^[^,+=]*$" };
      const lists = {
        type: "object",
        propertyNames: { pattern: name.pattern },
        additionalProperties: { type: "array", items: name },
      };
      return { anyOf: [lists, { type: "string", minLength: 1 }, { type: "null" }] };
    }
    case "text":
      return { type: ["string", "null"], minLength: 1, ...(value.form ? { pattern: value.form.source } : {}) };
  }
}
