/** Real MariaDB and PostgreSQL servers, their own command lines, and what tcpdump saw of them. */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { readRoundTrips } from "../support/round-trips";

const pathOf = (program: string) =>
  spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin command -v ${program}`], { encoding: "utf8" }).stdout.trim();
const canCapture = pathOf("tcpdump") !== "" && process.getuid?.() === 0 && pathOf("runuser") !== "";
const HAS_MARIADB = canCapture && ["mariadbd", "mariadb-install-db", "mariadb"].every((program) => pathOf(program) !== "");
const versions = "/usr/lib/postgresql";
const version = spawnSync("ls", [versions]).status === 0 ? readdirSync(versions)[0] : undefined;
const HAS_POSTGRESQL = canCapture && version !== undefined && pathOf("psql") !== "";
const program = (name: string) => join(versions, version ?? "", "bin", name);
if (!HAS_MARIADB) console.warn("no mariadb-server, or no right to capture: its test does not run");
if (!HAS_POSTGRESQL) console.warn("no postgresql, or no right to capture: its test does not run");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A server with its folder and its capture; all that it starts ends with it. */
class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "tallywire-sql-"));
  readonly data = join(this.folder, "data");
  private readonly started: ChildProcess[] = [];
  private capture: ChildProcess | undefined;
  port = 0;

  constructor(readonly user: string) {
    chmodSync(this.folder, 0o755);
    mkdirSync(this.data);
    spawnSync("chown", [user, this.data]);
  }

  /** Runs a program as the server's user. Throws what it says where it fails. */
  run(words: string[], input = ""): string {
    const { status, stdout, stderr } = spawnSync("runuser", ["-u", this.user, "--", ...words], {
      encoding: "utf8",
      input,
      cwd: this.folder,
    });
    if (status !== 0) throw new Error(`${words[0]} ended with ${status}: ${stderr}`);
    return stdout;
  }

  start(name: string, words: string[]): ChildProcess {
    const child = spawn(name, words, { stdio: ["ignore", "ignore", "pipe"], cwd: this.folder });
    this.started.push(child);
    return child;
  }

  /** Starts the server as its user: no process stands between. */
  async serve(words: string[], isUp: string[]): Promise<void> {
    this.start("setpriv", [`--reuid=${this.user}`, `--regid=${this.user}`, "--clear-groups", ...words]).stderr!.resume();
    for (let i = 0; i < 200; i++) {
      if (spawnSync(isUp[0]!, isUp.slice(1)).status === 0) return;
      await sleep(50);
    }
    throw new Error("the server does not start");
  }

  async record(): Promise<void> {
    this.capture = this.start("tcpdump", [
      "-i",
      "lo",
      "-U",
      "--immediate-mode",
      "-B",
      "16384",
      "-Z",
      "root",
      "-w",
      join(this.folder, "all.pcap"),
      "tcp",
      "port",
      `${this.port}`,
    ]);
    await once(this.capture.stderr!, "data");
    await sleep(300);
  }

  async trips(protocol: string): Promise<RoundTrip[]> {
    await sleep(400);
    this.capture?.kill("SIGINT");
    await once(this.capture!, "exit");
    return readRoundTrips(readFileSync(join(this.folder, "all.pcap"))).filter((trip) => trip.protocol === protocol);
  }

  async end(): Promise<void> {
    for (const child of this.started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill();
      await once(child, "exit");
    }
    rmSync(this.folder, { recursive: true });
  }
}

type Client = (text: string, ...more: string[]) => SpawnSyncReturns<string>;

/** Rows of the tables that compressed statements ask for, and how long their text is. */
const PACKED_ROWS = 3000;
const LONG_TEXT = "all of this is one text, ".repeat(4000);

/** What the verbose client tells of compressed statements: each statement's beginning with its rows, changes or error. */
function compressedTalk(client: Client, folder: string): string[] {
  writeFileSync(join(folder, "packed"), Array.from({ length: PACKED_ROWS }, (_, row) => `${row}\tname ${row % 50}\n`).join(""));
  const statements = [
    "CREATE TABLE packed (id INT, name LONGTEXT)",
    "LOAD DATA LOCAL INFILE 'packed' INTO TABLE packed",
    ...Array.from({ length: 50 }, (_, row) => `INSERT INTO packed VALUES (${-1 - row}, 'name ${row}')`),
    "SELECT * FROM packed WHERE id >= 0",
    "SELECT nothing FROM packed",
    "SELECT id, name, id * 2 FROM packed WHERE id < 0",
    `INSERT INTO packed VALUES (100000, '${LONG_TEXT}')`,
    "SELECT LENGTH(name) FROM packed WHERE id = 100000",
    "UPDATE packed SET id = id + 1 WHERE id < 10",
    "DELETE FROM packed WHERE id > 1000",
    "SELECT COUNT(*) FROM packed",
  ];
  const text = statements.map((statement) => `${statement};\n`).join("");
  const { stdout, stderr } = client(text, "--compress", "--local-infile=1", "-v", "-v", "-v", "-t", "--max-allowed-packet=16M");
  const errors = [...stderr.matchAll(/ERROR (\d+) \(/g)].map(([, code]) => `error ${code}`);
  const outcomes = [...stdout.matchAll(/^(?:(\d+) rows? in set|Query OK, (\d+) rows? affected)/gm)].map(([, rows, changes]) =>
    rows === undefined ? `${changes} changed` : `${rows} rows`,
  );
  const failing = statements.findIndex((statement) => statement.includes("nothing"));
  outcomes.splice(failing, 0, ...errors);
  return statements.map((statement, index) => `${statement.slice(0, 40)}: ${outcomes[index]}`);
}

function toldLine(request: RoundTrip["request"], response: RoundTrip["response"], status: string): string {
  const changes = response?.affectedRows === undefined ? status : `${response.affectedRows} changed`;
  const outcome = response?.rows === undefined ? changes : `${response.rows} rows`;
  return `${String(request?.statement).slice(0, 40)}: ${status === "error" ? `error ${response?.errorCode}` : outcome}`;
}

const count = (trips: RoundTrip[], isOne: (trip: RoundTrip) => boolean) => trips.filter(isOne).length;

describe.runIf(HAS_MARIADB)("mariadb", () => {
  const stage = HAS_MARIADB ? new Stage("mysql") : undefined;
  let trips: RoundTrip[] = [];
  let told: string[] = [];

  beforeAll(async () => {
    const { data, folder } = stage!;
    stage!.port = await freePort();
    const socket = join(data, "s");
    stage!.run([
      "mariadb-install-db",
      "--no-defaults",
      `--datadir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ]);
    const words = [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${stage!.port}`,
      "--bind-address=127.0.0.1",
      "--local-infile=1",
    ];
    await stage!.serve([pathOf("mariadbd"), ...words], ["mariadb-admin", `--socket=${socket}`, "-uroot", "ping"]);
    spawnSync("mariadb", [
      `--socket=${socket}`,
      "-uroot",
      "-e",
      "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, name VARCHAR(50))",
    ]);
    await stage!.record();
    const client: Client = (text, ...more) =>
      spawnSync("mariadb", ["-h127.0.0.1", `-P${stage!.port}`, "-uroot", "--skip-ssl", "-N", "-f", ...more, "shop"], {
        input: text,
        encoding: "utf8",
        maxBuffer: 1 << 25,
        cwd: folder,
      });
    const inserts = Array.from({ length: 100 }, (_, index) => `INSERT INTO t VALUES (${index}, 'name ${index}');`);
    client(
      [...inserts, "SELECT * FROM t;", "SELECT nothing FROM t;", "INSERT INTO t VALUES (1, 'again');", "SELECT '', NULL;"].join(
        "\n",
      ),
    );
    client(
      "DELIMITER //\nCREATE PROCEDURE two() BEGIN SELECT id FROM t LIMIT 3; SELECT name FROM t LIMIT 4; END//\nCALL two()//\n",
    );
    spawnSync("sh", ["-c", "seq 1000 1019 | sed 's/$/\\tx/' > rows"], { cwd: folder });
    client("LOAD DATA LOCAL INFILE 'rows' INTO TABLE t;", "--local-infile=1");
    client("SELECT 1;", "--compress");
    told = compressedTalk(client, folder);
    trips = await stage!.trips("mysql");
  }, 40_000);

  afterAll(async () => stage?.end());

  const of = (fingerprint: string) => trips.filter(({ request }) => request?.fingerprint === fingerprint);

  test("every statement has its outcome", () => {
    expect(trips.filter(({ request, status }) => !request || !["ok", "error"].includes(status))).toEqual([]);
    expect(of("INSERT INTO t VALUES (?)").map(({ status }) => status)).toEqual([...new Array(100).fill("ok"), "error"]);
    expect(of("SELECT * FROM t")[0]?.response).toMatchObject({ rows: 100, columns: 2 });
    expect(of("SELECT nothing FROM t")[0]?.response).toMatchObject({ errorCode: 1054, sqlState: "42S22" });
    expect(of("SELECT ?, NULL")[0]?.response?.rows).toBe(1);
    expect(of("CALL two()")[0]?.response).toMatchObject({ rows: 7, results: 3 });
    expect(of("LOAD DATA LOCAL INFILE ? INTO TABLE t")[0]?.response?.affectedRows).toBe(20);
  });

  test("connections begin and end", () => {
    expect(count(trips, ({ request, status }) => request?.command === "connect" && status === "ok")).toBe(5);
    expect(count(trips, ({ request }) => request?.command === "quit")).toBe(5);
  });

  test("compressed: every statement has the outcome that the client tells", () => {
    const own = trips.filter(({ request }) => String(request?.statement).includes("packed"));
    expect(own.map(({ request, response, status }) => toldLine(request, response, status))).toEqual(told);
    expect(own.every(({ marks }) => marks.every((mark) => mark === "truncated"))).toBe(true);
  });
});

describe.runIf(HAS_POSTGRESQL)("postgresql", () => {
  const stage = HAS_POSTGRESQL ? new Stage("postgres") : undefined;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const { data } = stage!;
    stage!.port = await freePort();
    const port = `${stage!.port}`;
    stage!.run([program("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
    const words = ["-D", data, "-p", port, "-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"];
    const ends = ["-h", "127.0.0.1", "-p", port, "-U", "postgres"];
    await stage!.serve([program("postgres"), ...words], [program("pg_isready"), "-h", data, "-p", port]);
    spawnSync(program("pgbench"), ["-i", "-q", ...ends.with(1, data), "postgres"]);
    await stage!.record();
    const client = (text: string) => spawnSync("psql", [...ends, "-X", "-q", "postgres"], { input: text });
    client(
      "CREATE TABLE t (id INT PRIMARY KEY, name TEXT);\nBEGIN;\nINSERT INTO t SELECT g, 'n' FROM generate_series(1,50) g;\nCOMMIT;\n",
    );
    client("COPY t FROM STDIN;\n100\ta\n101\tb\n\\.\nCOPY t TO STDOUT;\nSELECT * FROM t;\nSELECT 1/0;\nSELECT * FROM nowhere;\n");
    for (const mode of ["simple", "extended", "prepared"]) {
      const bench = ["-n", "-M", mode, "-c", "2", "-t", "50", ...ends, "postgres"];
      expect(spawnSync(program("pgbench"), bench).status, mode).toBe(0);
    }
    trips = await stage!.trips("postgresql");
  }, 40_000);

  afterAll(async () => stage?.end());

  const tagged = (tag: string) => count(trips, ({ response }) => response?.commandTag === tag);

  test("every statement has its outcome", () => {
    expect(trips.filter(({ request, status }) => !request || !["ok", "error"].includes(status))).toEqual([]);
    expect(tagged("INSERT 0 50")).toBe(1);
    expect(tagged("BEGIN")).toBe(1 + 300);
    expect(tagged("COMMIT")).toBe(1 + 300);
    expect(tagged("UPDATE 1")).toBe(900);
    const of = (kind: string) => trips.filter(({ request }) => request?.kind === kind);
    expect(of("copy").map(({ response }) => [response?.commandTag, response?.rows])).toEqual([
      ["COPY 2", 2],
      ["COPY 52", 52],
    ]);
    const errors = trips.flatMap(({ response }) => (response?.sqlState === undefined ? [] : [response.sqlState]));
    expect(errors).toEqual(["22012", "42P01"]);
    expect(count(of("extended"), ({ request }) => request?.fingerprint === undefined)).toBe(0);
    expect(of("extended")).toHaveLength(2 * 700);
  });
});
