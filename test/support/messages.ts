/** DNS and HTTP messages of a capture by figure, as tshark counted them and as round trips show them. */
import { CORPUS, corpusRows } from "./corpus";

/** How often each value of a figure was seen. */
export type Figure = Record<string, number>;

/** Everything that is compared for one capture. */
export interface Figures {
  dns: { queries: number; responses: number; rcodes: Figure; names: Figure };
  http: { methods: Figure; codes: Figure };
}

interface Stack extends Figures {
  layers_of_first_issue: boolean;
}

/** One capture of messages.ndjson. */
export interface MessagesRow {
  file: string;
  stacks: Record<string, Stack>;
}

/** The part of a line of `read -o json` that messages are counted by. */
export interface RoundTripLine {
  protocol: string;
  request?: { name?: string; questions?: { name: string }[]; method?: string };
  response?: { rcode?: number; statusCode?: number; informational?: number[] };
}

/** Figures of nothing. */
export function noFigures(): Figures {
  return { dns: { queries: 0, responses: 0, rcodes: {}, names: {} }, http: { methods: {}, codes: {} } };
}

function add(figure: Figure, key: string | number, count = 1): void {
  figure[key] = (figure[key] ?? 0) + count;
}

function addAll(into: Figure, from: Figure): void {
  for (const [key, count] of Object.entries(from)) add(into, key, count);
}

/** What tshark saw under encapsulations that the core reads. */
export function expectedFigures(row: MessagesRow): Figures {
  const sum = noFigures();
  for (const { dns, http, layers_of_first_issue } of Object.values(row.stacks)) {
    if (!layers_of_first_issue) continue;
    sum.dns.queries += dns.queries;
    sum.dns.responses += dns.responses;
    addAll(sum.dns.rcodes, dns.rcodes);
    for (const [name, count] of Object.entries(dns.names)) add(sum.dns.names, comparableName(name), count);
    addAll(sum.http.methods, http.methods);
    addAll(sum.http.codes, http.codes);
  }
  return sum;
}

/** A name in one form for both sides: lower case, \\DDD as the bytes that they stand for, no final dot, the root as `.`. */
export function comparableName(name: string): string {
  if (name === "<root>" || name === "") return ".";
  const bytes = Buffer.from(name).toString("latin1");
  const plain = bytes.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number(code)));
  const lower = Buffer.from(plain, "latin1").toString("utf8").toLowerCase();
  return lower.length > 1 ? lower.replace(/\.$/, "") : lower;
}

/** What round trips say of the same. */
export function figuresOf(lines: Iterable<RoundTripLine>): Figures {
  const sum = noFigures();
  for (const { protocol, request, response } of lines) {
    if (protocol === "dns") {
      if (request) {
        sum.dns.queries += 1;
        const names = request.questions?.map((question) => question.name) ?? (request.name === undefined ? [] : [request.name]);
        for (const name of names) add(sum.dns.names, comparableName(name));
      }
      if (response) {
        sum.dns.responses += 1;
        if (response.rcode !== undefined) add(sum.dns.rcodes, response.rcode);
      }
    }
    if (protocol === "http") {
      if (request?.method !== undefined) add(sum.http.methods, request.method);
      for (const code of response?.informational ?? []) add(sum.http.codes, code);
      if (response?.statusCode !== undefined) add(sum.http.codes, response.statusCode);
    }
  }
  return sum;
}

/** Where two captures' figures differ, one line each: protocol, figure, and both sides where they are unequal. */
export function differences(expected: Figures, actual: Figures): { protocol: "dns" | "http"; figure: string; text: string }[] {
  const found: { protocol: "dns" | "http"; figure: string; text: string }[] = [];
  const compare = (protocol: "dns" | "http", figure: string, wanted: Figure, got: Figure) => {
    const keys = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter(
      (key) => (wanted[key] ?? 0) !== (got[key] ?? 0),
    );
    const text = keys.map((key) => `${key} ${got[key] ?? 0} for ${wanted[key] ?? 0}`).join(", ");
    if (keys.length > 0) found.push({ protocol, figure, text });
  };
  compare("dns", "queries", { all: expected.dns.queries }, { all: actual.dns.queries });
  compare("dns", "responses", { all: expected.dns.responses }, { all: actual.dns.responses });
  compare("dns", "rcodes", expected.dns.rcodes, actual.dns.rcodes);
  compare("dns", "names", expected.dns.names, actual.dns.names);
  compare("http", "methods", expected.http.methods, actual.http.methods);
  compare("http", "codes", expected.http.codes, actual.http.codes);
  return found;
}

/** All captures of messages.ndjson that the core reads a message of. */
export function messagesRows(): MessagesRow[] {
  return corpusRows<MessagesRow>("messages.ndjson");
}

/** Where the captures lie. */
export const FOLDER = CORPUS;
