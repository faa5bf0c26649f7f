/** The pages of docs/ that are written from what the core says of itself. */
import type { MetricSchema, Schema } from "../../engine/schema";
import { EVIDENCE, type Evidence, GRADES } from "./evidence";

const GENERATED = "<!-- Written by `npm run docs` from the core's schema. -->";
const GENERATED_WITH_EVIDENCE = "<!-- Written by `npm run docs` from the core's schema and scripts/docs/evidence.ts. -->";

/** What each kind is and how exact its answers are. */
const KINDS: Record<MetricSchema["kind"], [what: string, error: string]> = {
  counter: ["a sum", "exact"],
  gauge: ["the last value, with the least and the greatest", "exact"],
  rate: ["a total, and the distribution of the totals of single seconds", "total exact; p50, p90, p99 of seconds within 1.083 %"],
  histogram: ["a distribution: count, sum, least, greatest, any quantile", "count and sum exact; quantiles within 1.083 %"],
  distinct: ["how many different ones", "exact up to 32; then a standard error of 1.19 % (0.59 % for those marked fine)"],
  top: ["the heaviest keys", "total exact; each key with a lower and an upper bound that hold"],
  theta: ["the different ones as a set that others can be compared with", "exact up to 4,096; then a standard error of 1.56 %"],
  breakdown: ["requests, errors, bytes and durations of the busiest label sets", "totals exact; each set with bounds that hold"],
};

/** Metrics of every protocol that two have under names of their own. */
const ELSEWHERE: [uniform: string, dns: string, http: string][] = [
  ["top of what names the work", "`dns_top_names`, `dns_top_names2`, `dns_top_names3`", "`http_top_paths`"],
  [
    "top failing",
    "`dns_top_nxdomain`, `dns_top_servfail`, `dns_top_refused`, `dns_top_nodata`",
    "`http_top_server_errors`, `http_top_client_errors`",
  ],
  ["breakdown", "none: `dns_responses_total` and `dns_top_types` are its margins", "`http_routes`"],
  [
    "outcome of decided requests",
    "`dns_requests_total`; `dns_transactions_total` counts those answered",
    "`http_requests_total`, also by method",
  ],
  [
    "server's time",
    "`dns_server_seconds`, over TCP alone: a datagram has no handshake to measure the way",
    "`http_server_seconds`",
  ],
];

/** Precision from which a distinct count is the finer one. */
const FINE_PRECISION = 14;

function tableRow(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function describe(metric: MetricSchema): string {
  const fine = metric.kind === "distinct" && metric.parameter >= FINE_PRECISION ? " Fine." : "";
  const keys = metric.keys ? ` Keys: ${metric.keys.map((key) => key.name).join(", ")}.` : "";
  return `${metric.help}${keys}${fine}`;
}

/** The module that a metric belongs to, by its name. */
function moduleOf(metric: MetricSchema): string {
  return metric.name.slice(0, metric.name.indexOf("_"));
}

function metricRow(metric: MetricSchema): string {
  const labels = metric.labels.map((label) => `\`${label}\``).join(" ");
  return tableRow([`\`${metric.name}\``, metric.kind, metric.unit, labels, describe(metric)]);
}

/** docs/metrics.md. */
export function metricsPage(schema: Schema): string {
  const modules = [...new Set(schema.metrics.map(moduleOf))];
  const sections = modules.map((module) => {
    const rows = schema.metrics.filter((metric) => moduleOf(metric) === module).map(metricRow);
    return [
      `## ${module}`,
      "",
      tableRow(["metric", "kind", "unit", "labels", "what it is"]),
      "|---|---|---|---|---|",
      ...rows,
      "",
    ];
  });
  const kinds = Object.entries(KINDS).map(([kind, [what, error]]) => tableRow([kind, what, error]));
  const labels = schema.labels.map((label) => {
    const users = schema.metrics.filter((metric) => metric.labelIds.includes(label.id)).map(moduleOf);
    return tableRow([`\`${label.name}\``, [...new Set(users)].join(", "), label.values.map((value) => `\`${value}\``).join(" ")]);
  });
  return [
    "# Metrics",
    "",
    GENERATED,
    "",
    "The same names everywhere: on the command line, in JSON, in the API and on the page. Units are base units; a metric without a",
    "unit counts things. `tallywire schema` prints this as JSON.",
    "",
    tableRow(["kind", "what it keeps", "how exact"]),
    "|---|---|---|",
    ...kinds,
    "",
    "Every protocol has, under its own name, `_requests_total` by outcome, `_orphan_responses_total`, `_malformed_total`, `_refused_total`,",
    "`_duration_seconds`, `_server_seconds`, `_request_bytes`, `_response_bytes`, `_open_requests`, `_clients`, `_servers`, tops of what names the",
    "work, slow and failing, and a breakdown. A WebSocket's ends send at will, so it has neither orphans nor a server's time. Two protocols had",
    "names for some of these before, and keep them:",
    "",
    tableRow(["of every protocol", "dns", "http"]),
    "|---|---|---|",
    ...ELSEWHERE.map(tableRow),
    "",
    ...sections.flat(),
    "## Labels",
    "",
    tableRow(["label", "of", "values"]),
    "|---|---|---|",
    ...labels,
    "",
  ].join("\n");
}

function evidenceRow({ grade, what, test, others }: Evidence): string {
  const name = test.replace(/^test\/|\.test\.ts$/g, "");
  return tableRow([grade, others === undefined ? what : `${what} of ${others} captures`, `[${name}](../${test})`]);
}

/** docs/protocols.md. */
export function protocolsPage(schema: Schema): string {
  const sections = schema.protocols.map((protocol) => {
    const sides = (["request", "response"] as const).map((side) => {
      const names = protocol.fields.filter((field) => field.side === side).map((field) => `\`${field.name}\``);
      return tableRow([side, ["`bytes`", ...names].join(" ")]);
    });
    const head = [`## ${protocol.name}`, "", `${protocol.help} Usual ports: ${protocol.ports || "any"}.`, ""];
    const rows = (EVIDENCE[protocol.name] ?? []).map(evidenceRow);
    const evidence = [tableRow(["evidence", "what", "held by"]), "|---|---|---|", ...rows, ""];
    return [...head, tableRow(["side", "fields"]), "|---|---|", ...sides, "", ...evidence];
  });
  return [
    "# Protocols",
    "",
    GENERATED_WITH_EVIDENCE,
    "",
    "What is recognised is recognised by its content, on any port; the usual ports only break ties. `tallywire protocols` prints this too.",
    "",
    "Where content does not tell, as in the middle of an old connection or behind garbage, `--protocol http:8080,redis:7000` forces one: what these",
    "ports speak is read as this protocol alone, its port is the server's, and a connection is never given up as unknown. A protocol that hands",
    "over to another, as HTTP to WebSocket, still does. `read`, `watch`, `log`, `stat`, `overview` and `agent` take it.",
    "",
    "Every round trip has `time`, `protocol`, `status`, `durationNs`, `client`, `server`, `direction`, `interface`, `timing` and `marks`, over TCP also `tcp`,",
    "of several interfaces [`stages`](stages.md); a field that is not known is absent.",
    "",
    tableRow(["status", "means"]),
    "|---|---|",
    ...STATUSES.filter(([status]) => schema.statuses.includes(status)).map(([status, means]) =>
      tableRow([`\`${status}\``, means]),
    ),
    "",
    "Marks say what else a reader should know of it. `-Y 'marks has gap'` finds them.",
    "",
    tableRow(["mark", "means"]),
    "|---|---|",
    ...schema.marks.map((mark) => tableRow([`\`${mark}\``, MARKS[mark] ?? ""])),
    "",
    "How well each is known to be read is graded, from the strongest on; everything is held to the laws of the core as well (any cut, any",
    "order, any byte). No test compares with what the core said before.",
    "",
    tableRow(["evidence", "means"]),
    "|---|---|",
    ...Object.entries(GRADES).map(([grade, means]) => tableRow([grade, means])),
    "",
    ...sections.flat(),
    "## What is left out",
    "",
    "Values that clients sent are not shown unless `tallywire read --raw` asks for them, and in metrics not even then.",
    "",
    tableRow(["field", "without `--raw`"]),
    "|---|---|",
    ...LEFT_OUT.map((cells) => tableRow(cells)),
    "",
  ].join("\n");
}

const LEFT_OUT: [field: string, shown: string][] = [
  [
    "`statement`",
    "as it was written, white space and all, with `?` in place of each literal and of what a comment says: `WHERE a = 'x' /* y */` is `WHERE a = ? /*?*/`",
  ],
  ["`fingerprint`", "never holds literals or comments"],
  [
    "`errorMessage` of mysql, `message` of postgresql",
    "as it is where the error's code says that it holds names alone; else from the first quote to the last one `?`; what an application raised itself is `?`",
  ],
  [
    "`errorMessage` of redis, `message` of mongodb, `grpcMessage`",
    "from the first quote or brace to the last one `?`; of redis all of it, where the code is none of its own or a script says `ERR`",
  ],
  ["`target` of http, `path` of http and http2", "without the query"],
  [
    "`target`, `host` of http, `authority`, `path` of http2",
    "without a user's name and password, also of URLs in a path; `host` and `authority` never have them",
  ],
];

const STATUSES: [status: string, means: string][] = [
  ["ok", "it went well, by the protocol's own outcome"],
  ["error", "it did not, by the protocol's own outcome"],
  ["timeout", "no response came in time"],
  ["reset", "the connection was reset first"],
  ["closed", "the connection was closed first"],
  ["unobserved", "the bytes that decide it are not in the capture"],
];

const MARKS: Readonly<Record<string, string>> = {
  gap: "bytes of it are missing from the capture: sizes and times are those of what was seen, and there is no server time behind a request's lost end",
  truncated: "a text or a list was cut at a limit, or the capture cut the packet (`-s`)",
  "mid-stream": "the connection's beginning was not captured",
  retry: "the request was sent more than once",
  resynchronized: "bytes before it were no message of the protocol, and were stepped over",
  upgrade: "the connection goes on in another protocol from here",
  malformed: "a part of it breaks the protocol's rules",
  incomplete:
    "the connection ended inside of it: the status is the one that it had begun with, so a page that broke off is `ok` by its 200",
  tls: "it lay under TLS and was opened with a [key log](tls.md)",
};
