import type { IncomingMessage, ServerResponse } from "node:http";
import type { LevelledLog } from "../agent/log-level";
import type { ReloadOutcome } from "../agent/reload";
import { nearest } from "../config/nearest";
import { json, logLevelReply, reloadReply, windowReply } from "./api";
import { expose } from "./exposition";
import type { Family } from "./families";
import { CONTENT_TYPES, formatFor } from "./format";
import { encodeFamilies } from "./messages";
import { ownFamilies, type Standing } from "./own-metrics";
import { bodyOf, hasBody, type Reply, send } from "./reply";
import type { Totals } from "./totals";
import { type Stream, watchReply } from "./watch";
import type { Watchers } from "./watchers";
import type { RecentMinutes } from "./window";

/** The header of `/healthz` that names the agent's edge. */
export const EDGE_HEADER = "tallywire-edge";

/** What the agent's HTTP tells of, and what can be done through it. */
export interface Told {
  /** The agent's name. */
  edge: string;
  totals: Totals;
  recent: RecentMinutes;
  watchers: Watchers;
  log: LevelledLog;
  /** What has become of minutes. */
  standing(): Standing;
  /** Whether packets are being read. */
  isReady(): boolean;
  /** Reads the configuration again; absent where there is none. */
  reload: (() => Promise<ReloadOutcome>) | undefined;
}

/** A request, taken apart. */
interface Question {
  parameters: URLSearchParams;
  accept: string | undefined;
  /** What stands behind the path of the route. */
  rest: string;
  /** Of a PUT. */
  body: string | undefined;
}

interface Route {
  path: string | RegExp;
  methods: readonly string[];
  /** Whether anybody may ask, without the token. */
  isOpen?: boolean;
  /** Names of its parameters, where others are refused; elsewhere whatever scrapers and balancers add is passed over. */
  parameters?: readonly string[];
  reply(told: Told, question: Question): Reply | Stream | Promise<Reply>;
}

const READ = ["GET", "HEAD"];

const ROUTES: readonly Route[] = [
  {
    path: "/healthz",
    methods: READ,
    isOpen: true,
    reply: ({ edge }) => ({ status: 200, body: "ok\n", headers: { [EDGE_HEADER]: edge } }),
  },
  {
    path: "/readyz",
    methods: READ,
    isOpen: true,
    reply: ({ isReady }) => (isReady() ? { status: 200, body: "ready\n" } : { status: 503, body: "not yet reading\n" }),
  },
  {
    path: "/metrics",
    methods: READ,
    reply: ({ totals, recent, standing, watchers }, { accept, parameters }) => {
      const families = [...totals, ...recent.lastMinute(), ...ownFamilies(totals, standing(), watchers)];
      return metricsReply(families, accept, parameters.get("buckets"));
    },
  },
  {
    path: /^\/api\/v1\/window\/([^/]*)$/,
    methods: READ,
    parameters: ["metric", "items"],
    reply: ({ recent }, { rest, parameters }) => windowReply(recent, rest, parameters),
  },
  {
    path: "/api/v1/watch",
    methods: ["GET"],
    parameters: ["filter", "max", "timeout"],
    reply: ({ watchers }, { parameters, accept }) => watchReply(watchers, parameters, accept),
  },
  { path: "/api/v1/reload", methods: ["POST"], reply: ({ reload }) => reloadReply(reload) },
  { path: "/api/v1/log-level", methods: [...READ, "PUT"], reply: ({ log }, { body }) => logLevelReply(log, body) },
];

const PATHS = "/metrics, /api/v1/window/N, /api/v1/watch, /api/v1/reload, /api/v1/log-level, /healthz and /readyz";

/**
 * Answers a request; `isOurs` says whether its Host is one that the agent answers for, `isTrusted` whether it carries the token. Who does
 * not carry it has its connection for one answer.
 */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { isOurs, isTrusted, told }: { isOurs: boolean; isTrusted: boolean; told: Told },
): Promise<void> {
  const { url = "", method = "", headers } = request;
  const at = url.indexOf("?");
  const [path, query] = at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
  const reply = (status: number, text: string, more: Reply["headers"] = {}) =>
    send(request, response, { status, body: `${text}\n`, headers: more }, isTrusted && !hasBody(request));
  if (!isOurs) return reply(421, "this Host is not one that the agent answers for");
  const route = ROUTES.find((one) => (typeof one.path === "string" ? one.path === path : one.path.test(path)));
  if (route?.isOpen !== true && !isTrusted)
    return reply(401, "this needs the token: Authorization: Bearer TOKEN", { "www-authenticate": "Bearer" });
  if (route === undefined) return reply(404, `there is ${PATHS}`);
  if (!route.methods.includes(method)) {
    const allow = route.methods.join(", ");
    return reply(405, `this takes ${allow}`, { allow });
  }
  const body = method === "PUT" ? await bodyOf(request) : undefined;
  if (method === "PUT" && body === undefined) return reply(413, "that is more than a word");
  const [, rest = ""] = typeof route.path === "string" ? [] : (route.path.exec(path) ?? []);
  const question = { parameters: new URLSearchParams(query), accept: headers.accept, rest, body };
  const given = unknownParameter(route, question.parameters) ?? (await route.reply(told, question));
  if ("open" in given) given.open(request, response);
  else send(request, response, given, isTrusted && (method === "PUT" || !hasBody(request)));
}

function unknownParameter({ parameters: known }: Route, given: URLSearchParams): Reply | undefined {
  const unknown = known && [...given.keys()].find((name) => !known.includes(name));
  if (known === undefined || unknown === undefined) return undefined;
  const meant = nearest(unknown, known);
  const hint = meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${meant}?`;
  return json(400, { error: `there is no parameter ${unknown}; ${hint}` });
}

function metricsReply(families: readonly Family[], accept: string | undefined, buckets: string | null): Reply {
  if (buckets !== null && buckets !== "le" && buckets !== "vmrange") return { status: 400, body: "buckets are le or vmrange\n" };
  // Ranges are known to the text format alone.
  const format = buckets === "vmrange" ? "text" : formatFor(accept);
  const body = format === "protobuf" ? encodeFamilies(families) : expose(families, format, buckets ?? "le");
  return { status: 200, body, headers: { "content-type": CONTENT_TYPES[format], vary: "accept" } };
}
