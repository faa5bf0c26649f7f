/** docs/openapi.yaml as a contract: each answer of the hub must be one that it describes. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { parse } from "yaml";
import text from "../../../docs/openapi.yaml?bytes";
import app from "../../../worker/index";
import { faultsOf, type Resolve, type Schema } from "../../support/json-schema";

type Content = Record<string, { schema?: Schema }>;
interface Header {
  required?: boolean;
  schema?: Schema;
  content?: Content;
}
interface Described {
  description: string;
  headers?: Record<string, Header>;
  content?: Content;
}
export interface Operation {
  operationId: string;
  security?: Record<string, unknown>[];
  parameters?: Record<string, unknown>[];
  requestBody?: { content: Content };
  responses: Record<string, Described>;
}

export const page = parse(new TextDecoder().decode(text)) as {
  openapi: string;
  info: { description: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Schema>>;
};

/** Finds what `#/components/...` names. Throws where it names nothing. */
export const resolve: Resolve = (ref) => {
  const found = ref
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], page);
  if (found === undefined) throw new Error(`${ref} names nothing`);
  return found as Schema;
};

/** What stands there, or what its `$ref` names. */
function followed<T>(value: T): T {
  const { $ref } = value as { $ref?: string };
  return $ref === undefined ? value : (resolve($ref) as T);
}

/** Which answers have been given: `operationId status`. */
export const given = new Set<string>();

/** Every answer that is described, in the same form. */
export function described(): string[] {
  return Object.values(page.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    ),
  );
}

/** What is described of a path, which may be one of a form like `/v1/edges/{name}/drop`. */
function methodsOf(path: string): Record<string, Operation> | undefined {
  const isMeant = (form: string) =>
    new RegExp(`^${form.replaceAll(/[.[\]]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
  return page.paths[path] ?? Object.entries(page.paths).find(([form]) => isMeant(form))?.[1];
}

/** One request; throws where its answer is not one that the page describes. */
export async function request(path: string, init: RequestInit = {}, settings: object = {}): Promise<Response> {
  const method = (init.method ?? "GET").toLowerCase();
  const operation = methodsOf(path.split("?")[0]!)?.[method];
  if (operation === undefined) throw new Error(`${method} ${path} is not described`);
  const response = await app.fetch(new Request(`http://hub${path}`, init), { ...env, ...settings }, createExecutionContext());
  const name = `${operation.operationId} ${response.status}`;
  const said = operation.responses[response.status];
  if (said === undefined) throw new Error(`${name} is not described: ${await response.clone().text()}`);
  given.add(name);
  await checkResponse(name, followed(said), response.clone());
  return response;
}

async function checkResponse(name: string, { headers = {}, content }: Described, response: Response): Promise<void> {
  for (const [header, about] of Object.entries(headers)) {
    const { required, schema, content: form } = followed(about);
    const value = response.headers.get(header);
    if (value === null) {
      expect(required, `${name}: header ${header}`).not.toBe(true);
      continue;
    }
    const json = form?.["application/json"]?.schema;
    if (schema !== undefined) expect(faultsOf(schema, value, resolve), `${name}: header ${header}`).toEqual([]);
    if (json !== undefined) expect(faultsOf(json, JSON.parse(value), resolve), `${name}: header ${header}`).toEqual([]);
  }
  const type = response.headers.get("content-type")?.split(";")[0];
  if (content === undefined) {
    expect(await response.text(), name).toBe("");
    return;
  }
  expect(Object.keys(content), name).toContain(type);
  const schema = content[type!]?.schema;
  if (type === "application/json") expect(faultsOf(schema!, await response.json(), resolve), name).toEqual([]);
}
