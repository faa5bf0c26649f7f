/** DNS and HTTP messages of a capture by figure, as tshark counted them and as round trips show them. */
import { corpusRows } from "./corpus";

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

/** A line of `read -o json`. */
interface RoundTripLine {
  protocol: string;
  request?: object;
  response?: object;
}

/** The fields that messages are counted by. */
interface RequestFields {
  name?: string;
  questions?: { name: string }[];
  retries?: number;
  method?: string;
}

interface ResponseFields {
  rcode?: number;
  statusCode?: number;
  informational?: number[];
}

/** Figures of nothing. */
export function noFigures(): Figures {
  return { dns: { queries: 0, responses: 0, rcodes: {}, names: {} }, http: { methods: {}, codes: {} } };
}

/** Adds to a figure's count of one value. */
export function add(figure: Figure, key: string | number, count = 1): void {
  figure[key] = (figure[key] ?? 0) + count;
}

/** Adds another figure's counts. */
export function addAll(into: Figure, from: Figure): void {
  for (const [key, count] of Object.entries(from)) add(into, key, count);
}

/** Layers of the first issue, and those that the core reads though it does not name them. */
const READ = new Set(
  [
    "eth ethertype vlan llc sll null raw ppp ip ipv6 ipv6.hopopts ipv6.dstopts ipv6.routing ipv6.fraghdr gre vxlan geneve udp tcp",
    "pppoes mpls ieee8021ad erspan socks http data-text-lines",
  ].flatMap((layers) => layers.split(" ")),
);

/** Whether every layer of a stack is one that the core reads. */
export function isRead(layers: string): boolean {
  return layers.split(":").every((layer) => READ.has(layer));
}

/** What tshark saw under encapsulations that the core reads. */
export function expectedFigures(row: MessagesRow): Figures {
  const sum = noFigures();
  for (const [layers, stack] of Object.entries(row.stacks)) {
    if (!stack.layers_of_first_issue && !isRead(layers)) continue;
    sum.dns.queries += stack.dns.queries;
    sum.dns.responses += stack.dns.responses;
    addAll(sum.dns.rcodes, stack.dns.rcodes);
    for (const [name, count] of Object.entries(stack.dns.names)) add(sum.dns.names, comparableName(name), count);
    addAll(sum.http.methods, stack.http.methods);
    addAll(sum.http.codes, stack.http.codes);
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

function addDns(dns: Figures["dns"], request: RequestFields | undefined, response: ResponseFields | undefined): void {
  if (request) {
    // A query that the client sent again is a retry of the same round trip.
    const times = 1 + (request.retries ?? 0);
    dns.queries += times;
    const names = request.questions?.map((question) => question.name) ?? (request.name === undefined ? [] : [request.name]);
    for (const name of names) add(dns.names, comparableName(name), times);
  }
  if (response) dns.responses += 1;
  // tshark shows the four bits of the header, a round trip those of EDNS above them too.
  if (response?.rcode !== undefined) add(dns.rcodes, response.rcode & 15);
}

/** What round trips say of the same. */
export function figuresOf(lines: Iterable<RoundTripLine>): Figures {
  const sum = noFigures();
  for (const line of lines) {
    const request: RequestFields | undefined = line.request;
    const response: ResponseFields | undefined = line.response;
    if (line.protocol === "dns") addDns(sum.dns, request, response);
    if (line.protocol !== "http") continue;
    if (request?.method !== undefined) add(sum.http.methods, request.method);
    for (const code of response?.informational ?? []) add(sum.http.codes, code);
    if (response?.statusCode !== undefined) add(sum.http.codes, response.statusCode);
  }
  return sum;
}

/** Counts by the names of figures: "queries", "responses", "rcode 3", "name example.com"; "method GET", "status 200". */
export type NamedFigures = Record<"dns" | "http", Figure>;

/** Figures by their names, which say the value too. */
export function namedFigures({ dns, http }: Figures): NamedFigures {
  const sum: NamedFigures = { dns: { queries: dns.queries, responses: dns.responses }, http: {} };
  const put = (into: Figure, kind: string, figure: Figure) => {
    for (const [value, count] of Object.entries(figure)) into[`${kind} ${value}`] = count;
  };
  put(sum.dns, "rcode", dns.rcodes);
  put(sum.dns, "name", dns.names);
  put(sum.http, "method", http.methods);
  put(sum.http, "status", http.codes);
  return sum;
}

/** A figure of one capture that is not the same on both sides. */
export interface Difference {
  protocol: "dns" | "http";
  figure: string;
  ours: number;
  theirs: number;
}

/** Every figure that is not the same on both sides. */
export function differences(theirs: NamedFigures, ours: NamedFigures): Difference[] {
  return (["dns", "http"] as const).flatMap((protocol) => {
    const figures = [...new Set([...Object.keys(theirs[protocol]), ...Object.keys(ours[protocol])])];
    return figures
      .map((figure) => ({ protocol, figure, ours: ours[protocol][figure] ?? 0, theirs: theirs[protocol][figure] ?? 0 }))
      .filter((one) => one.ours !== one.theirs);
  });
}

/** All captures of messages.ndjson. */
export function messagesRows(): MessagesRow[] {
  return corpusRows<MessagesRow>("messages.ndjson");
}
