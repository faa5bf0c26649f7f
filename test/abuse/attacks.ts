/** Things that somebody might send to a hub, well formed or not, each with the answers that are right. */
import { deflateSync, gzipSync } from "node:zlib";
import type { KeyHolder } from "../../engine/keys";

/** One request, and what the hub may answer. */
export interface Attack {
  name: string;
  path: string;
  init: RequestInit;
  /** Statuses that are right; all but 200 and 204 come with a code and a reason. */
  statuses: readonly number[];
  /** Whether a refusal has Prometheus' form. */
  isPrometheus?: boolean;
}

/** What attacks are made of. */
export interface Arms {
  random: () => number;
  /** A bundle that is good as it is. */
  bundle: Uint8Array<ArrayBuffer>;
  /** The key of a holder. */
  key(holder: KeyHolder): string;
  /** Whom nobody may reach but himself, and who attacks. */
  victim: string;
  attacker: string;
}

type Make = (arms: Arms) => Attack;

/** A few KB each that inflate to 1, 8 and 40 MB. */
const BOMBS = [1, 8, 40].map((megabytes) => Uint8Array.from(gzipSync(new Uint8Array(megabytes << 20))));
/** The edge that the victim alone has. */
export const VICTIMS_EDGE = "edge-of-the-victim";
const REFUSED = [400, 413, 415, 422];
const FORBIDDEN = [401, 403];

const below = (arms: Arms, most: number) => Math.floor(arms.random() * most);
const pick = <T>(arms: Arms, list: readonly T[]): T => list[below(arms, list.length)]!;

function noise(arms: Arms, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => below(arms, 256));
}

/** A word with whatever may be in one. */
function word(arms: Arms): string {
  const alphabet = "abcz09_-.~:/!*'();@&=+$,?#[]%\\\"<>{}|^` \u00e9\u4e16\u{1f600}";
  return Array.from({ length: below(arms, 40) }, () => pick(arms, [...alphabet])).join("");
}

function damaged(arms: Arms): Uint8Array<ArrayBuffer> {
  const bytes = arms.bundle.slice();
  switch (below(arms, 5)) {
    case 0:
      for (let flips = 1 + below(arms, 8); flips > 0; flips -= 1) bytes[below(arms, bytes.length)]! ^= 1 << below(arms, 8);
      return bytes;
    case 1:
      return bytes.slice(0, below(arms, bytes.length));
    case 2:
      return Uint8Array.from([...bytes, ...noise(arms, 1 + below(arms, 2000))]);
    case 3:
      return bytes.fill(pick(arms, [0, 0xff, 0x80]), below(arms, bytes.length));
    default:
      return noise(arms, below(arms, 3000));
  }
}

const ingest = (key: string, body: BodyInit, headers: Record<string, string> = {}) => ({
  path: "/v1/ingest",
  init: { method: "POST", body, headers: { authorization: `Bearer ${key}`, ...headers } },
});
const edgeKey = ({ key, attacker }: Arms) => key({ kind: "write", tenant: attacker, edge: "edge" });
const readKey = ({ key, attacker }: Arms) => key({ kind: "read", tenant: attacker, edge: "" });

/** A key that is nobody's. */
function forgedKey(arms: Arms): string {
  const { victim, attacker, key } = arms;
  const own = key({ kind: "write", tenant: attacker, edge: "edge" });
  const mac = own.slice(own.lastIndexOf(".") + 1);
  return pick(arms, [
    `tw_w_${victim}.edge.${mac}`,
    `tw_r_${victim}.${mac}`,
    `tw_a_${victim}.${mac}`,
    `${own}A`,
    own.slice(0, -1),
    own.replace("tw_w_", "tw_a_"),
    "tw_w_..",
    word(arms).replace(/[^\x21-\x7e]/g, "") || "x",
  ]);
}

const MAKES: readonly Make[] = [
  (arms) => ({ name: "a damaged bundle", ...ingest(edgeKey(arms), damaged(arms)), statuses: [200, ...REFUSED] }),
  (arms) => {
    const encoding = pick(arms, ["gzip", "deflate", "br", "identity", "gzip, gzip", word(arms).replace(/[^\x21-\x7e]/g, "")]);
    const body = pick(arms, [gzipSync(damaged(arms)), deflateSync(damaged(arms)), damaged(arms)]);
    const headers: Record<string, string> = encoding === "" ? {} : { "content-encoding": encoding };
    return {
      name: "a body in another encoding",
      ...ingest(edgeKey(arms), Uint8Array.from(body), headers),
      statuses: [200, ...REFUSED],
    };
  },
  (arms) => {
    const body = pick(arms, BOMBS);
    return { name: "a bomb", ...ingest(edgeKey(arms), body, { "content-encoding": "gzip" }), statuses: [413, 422] };
  },
  (arms) => ({ name: "too much", ...ingest(edgeKey(arms), new Uint8Array(600_000).fill(below(arms, 256))), statuses: [413] }),
  (arms) => {
    const tags = Array.from({ length: below(arms, 12) }, () => `${word(arms)}=${encodeURIComponent(word(arms))}`).join(",");
    const header = encodeURI(tags).replace(/[^\x20-\x7e]/g, "");
    return {
      name: "hostile tags",
      ...ingest(edgeKey(arms), arms.bundle, { "tallywire-tags": header }),
      statuses: [200, 400, 422],
    };
  },
  (arms) => ({ name: "a forged key", ...ingest(forgedKey(arms), arms.bundle), statuses: [401] }),
  (arms) => {
    const { path, init } = ingest(readKey(arms), arms.bundle);
    return { name: "a read key that writes", path, init, statuses: FORBIDDEN };
  },
  (arms) => {
    const names = [
      "metric",
      "op",
      "from",
      "to",
      "step",
      "by",
      "n",
      "q",
      "key",
      "where.site",
      "policy",
      "per",
      "compare",
      word(arms),
    ];
    const values = [
      "dns_requests_total",
      "dns_top_names",
      "sum",
      "top",
      "distinct",
      "now",
      "-1h",
      "60",
      "site",
      "1e308",
      word(arms),
    ];
    const search = new URLSearchParams(Array.from({ length: below(arms, 8) }, () => [pick(arms, names), pick(arms, values)]));
    const headers = {
      authorization: `Bearer ${readKey(arms)}`,
      accept: pick(arms, ["*/*", "text/csv", "application/x-ndjson", "image/png"]),
    };
    return { name: "a query", path: `/v1/query?${search}`, init: { headers }, statuses: [200, 406, ...REFUSED] };
  },
  (arms) => {
    const value = (depth: number): unknown => {
      const kind = below(arms, depth > 3 ? 4 : 6);
      if (kind === 4) return Array.from({ length: below(arms, 5) }, () => value(depth + 1));
      if (kind === 5) return Object.fromEntries(Array.from({ length: below(arms, 5) }, () => [word(arms), value(depth + 1)]));
      return [null, arms.random() * 1e12 - 5e11, word(arms), true][kind];
    };
    const fields = ["metric", "op", "from", "to", "step", "by", "where", "q", "n", "key", "__proto__"];
    const body = JSON.stringify(Object.fromEntries(fields.filter(() => arms.random() < 0.6).map((field) => [field, value(0)])));
    const init = { method: "POST", body, headers: { authorization: `Bearer ${readKey(arms)}` } };
    return { name: "a query as JSON", path: "/v1/query", init, statuses: [200, ...REFUSED] };
  },
  (arms) => {
    const headers = { authorization: `Bearer ${forgedKey(arms).replace("tw_w_", "tw_r_")}` };
    const path = pick(arms, ["/v1/query?metric=dns_requests_total&op=sum", "/v1/sketch", "/v1/edges", "/v1/tags", "/v1/shards"]);
    return { name: "reading with a forged key", path, init: { headers }, statuses: FORBIDDEN };
  },
  (arms) => {
    const headers = { authorization: `Bearer ${readKey(arms)}`, "x-tenant": arms.victim, "tallywire-tenant": arms.victim };
    const path = `/v1/query?metric=dns_top_names&op=top&n=100&from=-2d&where.tenant=${arms.victim}`;
    return { name: "another tenant's names", path, init: { headers }, statuses: [200, ...REFUSED] };
  },
  (arms) => {
    const init = {
      method: "PUT",
      body: pick(arms, ['{"tag":"site"}', word(arms)]),
      headers: { authorization: `Bearer ${readKey(arms)}` },
    };
    return { name: "a shard map without leave", path: "/v1/shards", init, statuses: FORBIDDEN };
  },
  (arms) => {
    const path = `/${pick(arms, ["v1/", "v1/../", "", "%2e%2e/", "v1/query/"])}${encodeURIComponent(word(arms))}`;
    const method = pick(arms, ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]);
    return { name: "a path that is none", path, init: { method }, statuses: [200, 400, 401, 404, 405] };
  },
];

/** What an admin and readers of one tenant try at another: whatever is named, it is nothing of theirs. */
const ACROSS: readonly Make[] = [
  (arms) => {
    const action = pick(arms, ["quarantine", "release", "drop", "recut"]);
    const edge = pick(arms, [VICTIMS_EDGE, `${arms.victim}%2Froot%2F1%2F0`, "..%2F..", "%00"]);
    const { method, headers } = asAdmin(arms);
    return {
      name: `another tenant's edge: ${action}`,
      path: `/v1/edges/${edge}/${action}`,
      init: { method, headers },
      statuses: [404],
    };
  },
  (arms) => {
    const { victim, key } = arms;
    const stolen = key({ kind: "read", tenant: victim, edge: "" });
    const init = { ...asAdmin(arms), body: JSON.stringify({ key: stolen }) };
    return { name: "another tenant's key revoked", path: "/v1/keys/revoke", init, statuses: [403] };
  },
  (arms) => {
    const path = pick(arms, ["/v1/tiles?object=", "/v1/edges?after="]);
    const name = pick(arms, ["root/1/0", "shard/2/fra", ""]);
    const init = { headers: { authorization: `Bearer ${readKey(arms)}` } };
    return { name: "another tenant's objects", path: `${path}${arms.victim}/${name}`, init, statuses: [400, 404] };
  },
  (arms) => {
    const line = { tallywire_backup: 1, tenant: arms.victim, taken: "", format: 1, objects: [`${arms.victim}/root/1/0`] };
    const body = pick(arms, [gzipSync(`${JSON.stringify(line)}\n`), gzipSync(word(arms)), Buffer.from(word(arms)), BOMBS[2]!]);
    const init = { ...asAdmin(arms), body: Uint8Array.from(body) };
    return { name: "another tenant's backup", path: "/v1/restore?force=true", init, statuses: [400, 422] };
  },
  (arms) => {
    const deep = "[".repeat(30_000) + "]".repeat(30_000);
    const field = pick(arms, ["metric", "from", "by", "where", "q", word(arms)]);
    const body = `{"metric":"dns_requests_total","op":"sum",${JSON.stringify(field)}:${deep}}`;
    const init = { method: "POST", body, headers: { authorization: `Bearer ${readKey(arms)}` } };
    return { name: "a query that nests deep", path: "/v1/query", init, statuses: [400] };
  },
  (arms) => {
    const name = pick(arms, ["query", "query_range", "series", "labels"]);
    const expression = pick(arms, [
      "dns_top_names",
      `{tenant="${arms.victim}"}`,
      `${"(".repeat(500)}1`,
      '{__name__=~"(a+)+b"}',
      word(arms),
    ]);
    const search = new URLSearchParams({ query: expression, "match[]": expression, start: "0", end: "9e9", step: "1e-9" });
    const init = { headers: { authorization: `Bearer ${readKey(arms)}` } };
    const path = `/prometheus/api/v1/${name}?${search}`;
    return { name: "an expression", path, init, statuses: [200, 400, 422], isPrometheus: true };
  },
];

function asAdmin({ key, attacker }: Arms) {
  return { method: "POST", headers: { authorization: `Bearer ${key({ kind: "admin", tenant: attacker, edge: "" })}` } };
}

/** Some attack. */
export function attack(arms: Arms): Attack {
  return pick(arms, [...MAKES, ...ACROSS])(arms);
}

/** Bytes of a connection that is no good HTTP, or ends in its middle; the last is whether to end it or to fall silent. */
export function badConnection(arms: Arms): { bytes: Uint8Array; ends: boolean } {
  const key = edgeKey(arms);
  const head = (length: string) => `POST /v1/ingest HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${key}\r\n${length}\r\n\r\n`;
  const texts = [
    `${head("Content-Length: 90000")}${"x".repeat(below(arms, 800))}`,
    `${head("Transfer-Encoding: chunked")}ffffff\r\n${"x".repeat(below(arms, 800))}`,
    `${head("Transfer-Encoding: chunked")}zz\r\n`,
    head("Content-Length: -1"),
    head("Content-Length: 99999999999999999999"),
    `GET /v1/hello HTTP/1.1\r\nHost: hub\r\nX-Long: ${"y".repeat(100_000)}\r\n\r\n`,
    "GET / HTTP/9.9\r\n\r\n",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001",
    "GET",
    word(arms),
  ];
  return { bytes: new TextEncoder().encode(pick(arms, texts)), ends: arms.random() < 0.7 };
}
