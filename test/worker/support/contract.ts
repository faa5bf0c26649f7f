/** docs/openapi.yaml as a contract: each answer of the hub must be one that it describes. */
import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect } from "vitest";
import { parse } from "yaml";
import text from "../../../docs/openapi.yaml?bytes";
import { allowanceOf } from "../../../worker/allowance";
import type { Environment } from "../../../worker/environment";
import app from "../../../worker/index";
import { EventLog, type HubEvent } from "../../../worker/object/event-log";
import { Paces } from "../../../worker/object/pace";
import { Webhook } from "../../../worker/object/webhook";
import { faultsOf, type Resolve, type Schema, valuesOf } from "../../support/json-schema";
import { bearer, hubOf, readKey, writeKey } from "./client";

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

/** Headers with keys: an admin's, a reader's of the whole tenant, and one's of some of its edges. */
export const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });
export const readerOf = async (tenant: string) => ({ authorization: await readKey(tenant) });
export const limited = async (tenant: string) => ({
  authorization: await bearer({ kind: "read", tenant, edge: "", where: [{ tag: "site", values: ["fra1"], negated: false }] }),
});

/** Posts one bundle of the edge `edge`. */
export async function ingest(
  tenant: string,
  body: BodyInit,
  headers: Record<string, string> = {},
  settings: object = {},
): Promise<Response> {
  const init = { method: "POST", body, headers: { authorization: await writeKey(tenant), ...headers } };
  return request("/v1/ingest", init, settings);
}

/** Lets each edge of a tenant post so many bundles a minute, as its owner's settings would. */
export async function allowBundlesPerMinute(tenant: string, edgeBundlesPerMinute: number): Promise<void> {
  await runInDurableObject(hubOf(tenant), (hub) => {
    const parts = hub as unknown as { paces: Paces };
    parts.paces = new Paces({ ...allowanceOf({} as Environment), edgeBundlesPerMinute });
  });
}

/** Names of an operation's fields in the search. */
export function parametersInSearch({ parameters = [] }: Operation): string[] {
  const told = parameters.map(followed) as { name: string; in: string }[];
  return told.flatMap(({ name, in: place }) => (place === "query" ? [name] : []));
}

/** Routes of the hub that answer one path and method: `GET /v1/hello`. */
export function routesOfHub(): string[] {
  const own = app.routes.filter(({ path, method }) => method !== "ALL" && !path.includes("*"));
  return [...new Set(own.map(({ path, method }) => `${method} ${path.replace(/(.)\/$/, "$1")}`))];
}

/** What can be done to an edge, by the hub's own words. */
export async function actionsOnEdges(headers: Record<string, string>): Promise<string[]> {
  const response = await app.fetch(new Request("http://hub/v1/edges/edge/burn", { method: "POST", headers }), env);
  const { reason } = await response.json<{ reason: string }>();
  return /^an edge takes (.*)$/.exec(reason)![1]!.split(/, | and /);
}

/** Lets a tenant's root have events, and gives what it posts to a webhook. */
export async function postsOfEvents(tenant: string, events: readonly HubEvent[]) {
  const posted: { signature: string | null; body: { events: unknown[] } }[] = [];
  const WEBHOOK = {
    fetch: async (_: URL, { headers, body }: RequestInit) => {
      posted.push({ signature: new Headers(headers).get("tallywire-signature"), body: JSON.parse(body as string) });
      return new Response(null, { status: 204 });
    },
  };
  const environment = { ...env, WEBHOOK_URL: "https://hooks.example.com/", WEBHOOK } as unknown as Environment;
  await runInDurableObject(hubOf(tenant), async (_, { storage }) => {
    const log = new EventLog(storage.sql, true);
    for (const event of events) log.add(event, Date.now() - 1000);
    await new Webhook(log, environment).deliver(tenant, `${tenant}/root/1/0`, Date.now(), 60);
  });
  return posted;
}

/** Fields of a question that fit a counter. */
export function fittingFields() {
  const { properties } = page.components.schemas!.Query as { properties: Record<string, Schema> };
  const fields = Object.fromEntries(
    ["n", "q", "policy", "where", "by"].map((name) => [name, valuesOf(properties[name]!, resolve)]),
  );
  const isTag = (name: string) => /^(tag:)?[a-z][a-z0-9_]*$/.test(name);
  return fc.record(
    {
      ...fields,
      n: fc.integer({ min: 1, max: 1024 }),
      q: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 16 }),
      by: fc.array(fc.constantFrom("site", "role", "direction", "status", "tag:status"), { maxLength: 3 }),
      where: fields.where!.filter((where) =>
        Object.keys(where as object).every((name) => isTag(name) && name !== "direction" && name !== "status"),
      ),
      step: fc.constantFrom(60, "5m", 600),
      compare: fc.constantFrom("previous", "1h", 3600),
    },
    { requiredKeys: [] },
  );
}

/** Values that a field may be given by mistake. */
export const ANYTHING = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    "",
    "x".repeat(1025),
    -1,
    0,
    1.5,
    61,
    1e300,
    null,
    true,
    [],
    {},
    { not: 1 },
    { not: "a", or: "b" },
    "-5",
    "yesterday",
  ),
);
