/** MySQL and PostgreSQL in every capture, as tshark shows them: commands, errors, statements that ended. */
import { describe, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectEqualBut, expectFew } from "../support/exceptions";
import { readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

type Protocol = "mysql" | "postgresql";
type Counts = Record<string, number>;

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Record<Protocol, Exception[]> = {
  mysql: [
    {
      file: "upstream/cisco/mercury/unit_tests/pcaps/mysql.pcap",
      packet: 84,
      reason: "tshark takes the client's proof, in the form from before 4.1, for a command 90",
    },
    {
      file: "upstream/zeek/zeek/testing/btest/Traces/mysql/mysql8-navicat-login-failed.pcap",
      packet: 14,
      reason: "tshark takes the client's encrypted password for a command 125",
    },
    {
      file: "upstream/seladb/PcapPlusPlus/Tests/Packet++Test/PacketExamples/mysql.pcapng",
      packet: 1,
      reason: "a login without the greeting before it; tshark takes it for a command 141",
    },
    {
      file: "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/mysql/mysql-compressed-response.pcap",
      packet: 1,
      reason: "compressed, which tshark learns from a handshake alone; it takes the query for a command 0",
    },
  ],
  postgresql: [
    {
      file: "upstream/arkime/arkime/tests/pcap/arkime_synthetic.pcap",
      packet: 480,
      reason: "a startup message made up by hand: its length says 69 bytes, it has 91",
    },
  ],
};

const isHeld = HAS_CORPUS && HAS_TSHARK;
const sound = isHeld
  ? new Set(
      corpusRows<{ file: string; tshark_rc: number }>("truth.ndjson").flatMap((row) => (row.tshark_rc === 0 ? [row.file] : [])),
    )
  : new Set<string>();
const filesOf = (protocol: Protocol) =>
  isHeld ? corpusIndex().filter(({ file, tags }) => tags.includes(protocol) && sound.has(file)) : [];

function add(counts: Counts, key: string, by = 1): void {
  if (by > 0) counts[key] = (counts[key] ?? 0) + by;
}

const FIRST = [
  "-Y",
  "!tcp.analysis.retransmission && !tcp.analysis.fast_retransmission && !tcp.analysis.spurious_retransmission",
];

/** Commands by number and errors by code that tshark shows. */
function mysqlOf(bytes: Uint8Array, words: string[]): Counts {
  const counts: Counts = {};
  for (const [commands, errors, logins] of tsharkFields(bytes, ["mysql.command", "mysql.error_code", "mysql.user"], words)) {
    for (const command of commands ? commands.split(",") : []) add(counts, `command ${command}`);
    for (const error of errors ? errors.split(",") : []) add(counts, `error ${error}`);
    if (logins && !commands) add(counts, "command 11");
  }
  return counts;
}

const NAMES =
  "sleep,quit,init_db,query,field_list,create_db,drop_db,refresh,shutdown,statistics,process_info,connect,process_kill,debug,ping,time,delayed_insert,change_user,binlog_dump,table_dump,connect_out,register_slave,stmt_prepare,stmt_execute,stmt_send_long_data,stmt_close,stmt_reset,set_option,stmt_fetch".split(
    ",",
  );

function ourMysql(trips: RoundTrip[]): Counts {
  const counts: Counts = {};
  for (const { request, response } of trips) {
    if (request) add(counts, `command ${NAMES.indexOf(String(request.command))}`);
    if (response?.errorCode !== undefined) add(counts, `error ${response.errorCode}`);
  }
  return counts;
}

const TYPES: Record<string, string> = {
  "Simple query": "query",
  Execute: "execute",
  Termination: "terminate",
  "Cancel request": "cancel",
  "Startup message": "startup",
  "Command completion": "tags",
};

/** Messages by type and errors by code that tshark shows. */
function postgresqlOf(bytes: Uint8Array, words: string[]): Counts {
  const counts: Counts = {};
  for (const [types, codes] of tsharkFields(bytes, ["pgsql.type", "pgsql.code"], words)) {
    for (const type of types ? types.split(",") : []) if (TYPES[type]) add(counts, TYPES[type]);
    for (const code of codes ? codes.split(",") : []) if (!/^0[01]/.test(code)) add(counts, `error ${code}`);
  }
  return counts;
}

function ourPostgresql(trips: RoundTrip[]): Counts {
  const counts: Counts = {};
  const kinds: Record<string, string> = { simple: "query", extended: "execute" };
  for (const { request, response } of trips) {
    const kind = String(request?.kind);
    if (request && kind !== "prepare" && kind !== "copy") add(counts, kinds[kind] ?? kind);
    if (kind === "copy") add(counts, "query");
    add(counts, "tags", Number(response?.results ?? 0));
    if (response?.sqlState !== undefined) add(counts, `error ${response.sqlState}`);
  }
  return counts;
}

/** Tells tshark, which knows the protocols by port, of the ports that they are on. */
function asOn(trips: RoundTrip[], protocol: Protocol): string[] {
  const ports = new Set(trips.map(({ server }) => server.port));
  const name = protocol === "mysql" ? "mysql" : "pgsql";
  return [...ports].flatMap((port) => ["-d", `tcp.port==${port},${name}`]);
}

function sorted(counts: Counts): [string, number][] {
  return Object.entries(counts).sort();
}

describe.runIf(isHeld)("captures of the collection", () => {
  const all: [Protocol, (bytes: Uint8Array, words: string[]) => Counts, (trips: RoundTrip[]) => Counts][] = [
    ["mysql", mysqlOf, ourMysql],
    ["postgresql", postgresqlOf, ourPostgresql],
  ];
  const cases = all.flatMap(([protocol, wanted, got]) => filesOf(protocol).map(({ file }) => ({ file, protocol, wanted, got })));

  test.each(cases)("$protocol $file", ({ file, protocol, wanted, got }) => {
    const bytes = corpusBytes(file);
    const trips = readRoundTrips(bytes).filter((trip) => trip.protocol === protocol);
    expectEqualBut(EXCEPTIONS[protocol], file, sorted(got(trips)), sorted(wanted(bytes, [...FIRST, ...asOn(trips, protocol)])));
  });

  test.each(["mysql", "postgresql"] as const)("exceptions of %s are few", (protocol) => expectFew(EXCEPTIONS[protocol]));
});
