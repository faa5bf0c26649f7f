import { parseKey } from "../../engine/keys";
import { formatBytes, formatCount, formatFigure, formatNumberOf, formatSeconds } from "../../engine/units";
import { Failure } from "../failure";
import { table } from "../output/table";
import { printText } from "../output/text-output";
import { hubAddress } from "../post/hub-address";

/** The words of `tallywire query`; those of the API have its names. */
export interface QueryOptions {
  hub?: string;
  readKey?: string;
  insecure?: boolean;
  output?: "json" | "csv";
  from?: string;
  to?: string;
  step?: string;
  by?: string[];
  where?: string[];
  with?: string[];
  n?: string;
  q?: string[];
  key?: string;
  per?: string;
  compare?: string;
  edge?: string;
  policy?: string;
}

type Cell = string | number | null;
type Condition = string[] | { not: string[] };

/** An answer of `/v1/query`. */
interface Answer {
  data: Record<string, Cell>[];
  meta: {
    kind: string;
    unit: string;
    op: string;
    from: string;
    to: string;
    complete: boolean;
    complete_until: string;
    missing_edges: string[];
    missing_edges_count: number;
    set_apart?: number;
    /** The window that was asked for, where the hub answers about a wider one. */
    asked?: { from: string; to: string };
    error_bound: { kind: string; bound: number };
  };
}

const TIMEOUT_MS = 60_000;
const MISSING_SHOWN_MAX = 10;
/** Columns in the metric's unit. */
const FIGURES = new Set(["value", "lower", "upper", "min", "max", "total", "of", "per", "before"]);
/** Columns of a breakdown in seconds: the mean of its durations, and quantiles. */
const DURATION = /^(mean|p[\d.]+)$/;
const COUNTS = new Set(["count", "requests", "errors", "sampling"]);

/** `tallywire query`: asks a hub for one figure over a window. */
export async function query(metric: string, op: string | undefined, options: QueryOptions): Promise<number> {
  const ask = asker(options);
  const chosen = op ?? (await naturalOperation(ask, metric));
  const fields = { metric, op: chosen, ...fieldsOf(options) };
  const text = await ask("v1/query", fields);
  if (options.output !== undefined) {
    await printText(options.output === "json" ? `${text}\n` : text);
    return 0;
  }
  const answer = JSON.parse(text) as Answer;
  await printText(answerTable(answer));
  process.stderr.write(`${caveats(answer).join("\n")}\n`);
  return 0;
}

type Ask = (path: string, fields?: object) => Promise<string>;

function asker({ hub, readKey, insecure, output }: QueryOptions): Ask {
  if (hub === undefined) throw new Failure("no hub is given; add --hub https://HUB, or set TALLYWIRE_HUB", 2);
  const address = hubAddress(hub, insecure);
  if (readKey === undefined) throw new Failure("no key is given; add --read-key, or set TALLYWIRE_READ_KEY", 2);
  const kind = parseKey(readKey)?.kind;
  if (kind === undefined || kind === "write") {
    throw new Failure(`${kind ? `this is a ${kind} key` : "this is no key"}; a query needs a read key, tw_r_...`, 2);
  }
  return async (path, fields) => {
    const accept = output === "csv" && fields !== undefined ? "text/csv" : "application/json";
    const headers = { authorization: `Bearer ${readKey}`, "content-type": "application/json", accept };
    const body = fields === undefined ? {} : { method: "POST", body: JSON.stringify(fields) };
    let response: Response;
    try {
      response = await fetch(new URL(path, address), {
        headers,
        ...body,
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new Failure(`${address.origin} cannot be reached: ${reachReason(cause)}; is the hub running?`, 1, { cause });
    }
    const text = await response.text();
    if (response.ok) return text;
    throw new Failure(`the hub refused (${response.status}): ${reasonIn(text)}`, response.status === 400 ? 2 : 1);
  };
}

function reachReason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}

function reasonIn(text: string): string {
  try {
    return String(JSON.parse(text).reason);
  } catch {
    return text.slice(0, 200);
  }
}

/** What is usually asked of a metric of this kind. */
async function naturalOperation(ask: Ask, metric: string): Promise<string | undefined> {
  const { data } = JSON.parse(await ask("v1/metrics")) as { data: { name: string; ops: string[] }[] };
  return data.find(({ name }) => name === metric)?.ops[0];
}

function fieldsOf({ from, to, step, by, where, with: others, n, q, key, per, compare, edge, policy }: QueryOptions): object {
  const list = (words: readonly string[] | undefined) => words?.flatMap((word) => word.split(",")).filter((word) => word !== "");
  return {
    from,
    to,
    step,
    by: list(by),
    where: conditions(where),
    with: conditions(others),
    n,
    q: list(q),
    key,
    per,
    compare,
    edge,
    policy,
  };
}

/** `site=fra1`, `site=fra1,ams2` and `role=!db` as the API has them. Throws Failure. */
export function conditions(words: readonly string[] | undefined): Record<string, Condition> | undefined {
  if (words === undefined) return undefined;
  const entries = words.map((word): [string, Condition] => {
    const [, name, not, values] = /^([^=]+)=(!?)(.+)$/.exec(word) ?? [];
    if (name === undefined || values === undefined) {
      throw new Failure(`"${word}" is no condition; write site=fra1, site=fra1,ams2 or role=!db`, 2);
    }
    return [name, not === "!" ? { not: values.split(",") } : values.split(",")];
  });
  return Object.fromEntries(entries);
}

function answerTable({ data, meta }: Answer): string {
  const names = [...new Set(data.flatMap((row) => Object.keys(row)))].filter((name) => !isSameEverywhere(data, name));
  const columns = names.map((title) => ({ title, isFigure: data.some((row) => typeof row[title] === "number") }));
  return data.length === 0
    ? ""
    : table(
        columns,
        data.map((row) => names.map((name) => cellText(name, row[name], meta))),
      );
}

/** One time for the whole window says nothing that the words below do not. */
function isSameEverywhere(data: Answer["data"], name: string): boolean {
  return name === "time" && new Set(data.map((row) => row.time)).size === 1;
}

function cellText(name: string, cell: Cell | undefined, { unit, op }: Answer["meta"]): string {
  if (cell === undefined) return "";
  if (cell === null) return FIGURES.has(name) || DURATION.test(name) || name === "change" ? "-" : "(others)";
  if (typeof cell === "string") return cell;
  if (name === "q") return String(cell);
  if (COUNTS.has(name)) return formatCount(cell);
  if (name === "change") return `${cell >= 0 ? "+" : ""}${(cell * 100).toFixed(1)} %`;
  if (name === "bytes") return formatBytes(cell);
  if (op === "breakdown" && FIGURES.has(name)) return formatCount(cell);
  if (op === "breakdown" && DURATION.test(name)) return formatSeconds(cell);
  return `${formatFigure(Number.isInteger(cell) || unit !== "" ? cell : Number(cell.toPrecision(4)), unit)}${op === "rate" ? "/s" : ""}`;
}

/** What goes with the figures: their window, how far they may be off, and who is missing. */
function caveats({ data, meta }: Answer): string[] {
  const {
    from,
    to,
    complete,
    complete_until: until,
    missing_edges: missing,
    missing_edges_count: count,
    set_apart: apart = 0,
    error_bound: error,
    asked,
  } = meta;
  const window = `from ${from} to ${to}`;
  const lines = [
    data.length === 0 ? `nothing was reported ${window}` : `${formatNumberOf(data.length, "row")} ${window}, ${errorText(error)}`,
  ];
  if (asked) lines.push(`widened from ${asked.from} to ${asked.to}: what is older is kept by whole hours or days`);
  if (apart > 0) lines.push(`without ${formatNumberOf(apart, "bundle")} that do not merge with the others`);
  if (complete) return lines;
  const names = missing.slice(0, MISSING_SHOWN_MAX).join(", ");
  lines.push(
    count === 0
      ? `complete until ${until}`
      : `not complete until ${until}: minutes of ${formatNumberOf(count, "edge")} are missing (${names})`,
  );
  return lines;
}

function errorText({ kind, bound }: Answer["meta"]["error_bound"]): string {
  if (kind === "exact") return "exact";
  return kind === "relative" ? `each value within ${(bound * 100).toFixed(1)} %` : "the true values lie between lower and upper";
}
