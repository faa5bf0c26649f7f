/** What a connection holds while nothing passes on it, by the core's own accounting; a connection of each protocol that is on TCP. */
import { FAULTY } from "./faults";
import type { FaultyProtocol } from "./faults/talk";
import { hostOf } from "./host";
import { instantiate } from "./instantiate";
import { Conversation, dnsQuery, dnsResponse, join, overTcp, pcap } from "./pcap-builder";
import { my, PLAIN, pg } from "./sql";
import { handshake12, handshake13 } from "./tls";

/** What test/support/idle.entry.ts exports. */
interface IdleCore {
  memory: WebAssembly.Memory;
  /** Exported by the modules of the tests, called by itself in those of the benchmarks. */
  start?(): void;
  configure(role: number, budget: number, settingsLength: number): number;
  openInput(kind: number, linkType: number): number;
  inputStart(): number;
  inputBytes(): number;
  feed(handle: number, start: number, length: number): number;
  streamPoolUsed(): number;
  flowBytes(): number;
  flows(): number;
}

type Flights = ["client" | "server", Uint8Array][];

const HOST = 1;
const BUDGET_BYTES = 24 << 20;
const CONNECTIONS = 2000;
const EXCHANGES = 2;
const FIRST_PORT = 20_000;

/** A protocol's talk on one connection, its end not included. */
interface IdleTalk {
  name: string;
  port: number;
  flights(connection: number): Flights;
}

function talkOf({ name, port, greeting = [], exchange }: FaultyProtocol): IdleTalk {
  const flights = (connection: number): Flights => {
    const exchanges = Array.from({ length: EXCHANGES }, (_, number) => exchange(connection, number));
    return [
      ...greeting.map(({ from, bytes }): Flights[number] => [from, bytes]),
      ...exchanges.flatMap(
        ({ request, response }): Flights => [
          ["client", request],
          ["server", response],
        ],
      ),
    ];
  };
  return { name, port, flights };
}

function dnsFlights(connection: number): Flights {
  return Array.from({ length: EXCHANGES }, (_, id): Flights => {
    const name = `${connection}.test`;
    return [
      ["client", overTcp(dnsQuery(name, { id }))],
      ["server", overTcp(dnsResponse(name, { id }))],
    ];
  }).flat();
}

/** As long as names of the databases are, and ten of each. */
const long = (word: string, connection: number) => `${word}_${connection % 10}_`.padEnd(63, "x");

function mysqlFlights(connection: number): Flights {
  return [
    ["server", my.greeting()],
    ["client", my.login(PLAIN | 8, long("user", connection), long("database", connection))],
    ["server", my.ok(2)],
    ["client", my.query("SELECT 1")],
    ["server", my.result([["1"]])],
  ];
}

function postgresqlFlights(connection: number): Flights {
  const names = ["user", "database", "application_name"].map((name) => `${name}\0${long(name, connection)}\0`);
  return [
    ["client", pg.untyped(196608, `${names.join("")}\0`)],
    ["server", pg.welcome()],
    ["client", pg.query("SELECT 1")],
    ["server", join(pg.select(["1"]), pg.ready())],
  ];
}

/** Every protocol over TCP; those whose clients say who they are with names as long as can be, too. */
export const IDLE_TALKS: readonly IdleTalk[] = [
  ...FAULTY.map(({ title, protocol }) => ({ ...talkOf(protocol), name: title })),
  { name: "mysql, long names", port: 3306, flights: mysqlFlights },
  { name: "postgresql, long names", port: 5432, flights: postgresqlFlights },
  { name: "dns", port: 53, flights: dnsFlights },
  { name: "tls 1.2", port: 443, flights: () => handshake12() },
  { name: "tls 1.3", port: 443, flights: () => handshake13() },
];

/** Bytes that each of some connections of a talk holds when all has been said, in whole pages of the pool shared between them. */
export function idleBytes(module: WebAssembly.Module, talk: IdleTalk): number {
  const core = instantiate<IdleCore>(module, {}, { host: hostOf() });
  core.start?.();
  if (core.configure(HOST, BUDGET_BYTES, 0) !== 0) throw new Error("the core refused its settings");
  const handle = core.openInput(0, 0);
  const before = core.streamPoolUsed();
  const packets = Array.from({ length: CONNECTIONS }, (_, connection) => {
    const conversation = new Conversation({ clientPort: FIRST_PORT + connection, serverPort: talk.port, stepNs: 1000n }).open();
    for (const [from, bytes] of talk.flights(connection)) {
      conversation.send(from, bytes, 1400).acknowledge(from === "client" ? "server" : "client");
    }
    return conversation.packets;
  }).flat();
  feedAll(core, handle, pcap(packets));
  if (core.flows() !== CONNECTIONS) throw new Error(`${core.flows()} flows of ${CONNECTIONS} connections`);
  return core.flowBytes() + Math.ceil((core.streamPoolUsed() - before) / CONNECTIONS);
}

function feedAll(core: IdleCore, handle: number, file: Uint8Array): void {
  const start = core.inputStart();
  for (let at = 0; at < file.length; ) {
    const part = file.subarray(at, at + core.inputBytes());
    new Uint8Array(core.memory.buffer).set(part, start);
    at += core.feed(handle, start, part.length);
  }
}
