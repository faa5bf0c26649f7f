/** The small commands, and what every command says of itself. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { VERSION } from "../../shim/version";
import { COMMAND, tallywire } from "../support/command";
import { ROOT } from "../support/repository";

const COMMANDS = ["read", "agent", "doctor", "query", "hub", "keys", "schema", "protocols", "interfaces"];

test("the version is package.json's", async () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version);
  expect((await tallywire(["--version"])).stdout).toBe(`${VERSION}\n`);
});

test("what is wrong is one line, whatever characters the words have", async () => {
  for (const words of [["agent", "--file", "x", "--hub", "\n\u001b[2J"], ["read", "no\nsuch\u202efile"], ["a\nb"]]) {
    const { code, stderr } = await tallywire(words);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(/^tallywire: [^\p{Cc}\p{Cf}]+\n/u);
    expect(stderr).not.toContain("\u001b");
  }
});

describe("help", () => {
  test("names every command, on standard error where it was not asked for", async () => {
    const asked = await tallywire(["--help"]);
    for (const name of COMMANDS) expect(asked.stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    const { code, stdout, stderr } = await tallywire([]);
    expect([code, stdout, stderr]).toEqual([2, "", asked.stdout]);
  });

  test.each(COMMANDS)("of %s", async (name) => {
    const { code, stdout, stderr } = await tallywire([name, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: tallywire ${name}`);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(130);
  });

  test.each([
    [["raed"], "tallywire: unknown command 'raed' (did you mean read?)"],
    [["agent", "--fil", "x"], "tallywire: unknown option '--fil' (did you mean --file?)"],
    [["schema", "extra"], "too many arguments"],
  ])("%j is answered with what is nearest", async (words, line) => {
    const { code, stdout, stderr } = await tallywire(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(line);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

test.skipIf(process.platform === "win32")("help ends quietly where its reader went away, and says that a disk is full", () => {
  const shell = (line: string) => {
    const { status, stderr } = spawnSync("sh", ["-c", line, process.execPath, COMMAND], { encoding: "utf8" });
    return [status, stderr];
  };
  // Nobody reads from the start, so that no write is early enough.
  expect(shell('{ sleep 0.2; "$0" "$1" watch --help; } | true')).toEqual([0, ""]);
  if (existsSync("/dev/full"))
    expect(shell('"$0" "$1" watch --help > /dev/full')).toEqual([1, "tallywire: cannot write the output: the disk is full\n"]);
});

test("schema is the core's own, as JSON", async () => {
  const { code, stdout } = await tallywire(["schema"]);
  const schema = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(schema.metrics.map((metric: { name: string }) => metric.name)).toContain("dns_duration_seconds");
  expect(schema.protocols.map((protocol: { name: string }) => protocol.name)).toEqual(
    expect.arrayContaining(["dns", "http", "kafka", "mongodb"]),
  );
});

test("protocols lists fields under the names that read -o json has", async () => {
  const { stdout } = await tallywire(["protocols"]);
  expect(stdout).toMatch(/^dns {2}.* Expected on port 53, 5353, 5355/m);
  expect(stdout).toMatch(/^ {2}request\.name +text$/m);
  expect(stdout).toMatch(/^ {2}response\.statusCode +number$/m);
  expect(stdout).toMatch(/^ {2}response\.records +list of \{section, name, type, ttl, data\}$/m);
  const { protocols } = JSON.parse((await tallywire(["schema"])).stdout);
  expect(JSON.parse((await tallywire(["protocols", "-o", "json"])).stdout)).toHaveLength(protocols.length);
});

test("interfaces lists this host's, with their addresses", async () => {
  const { code, stdout } = await tallywire(["interfaces", "-o", "json"]);
  const loopback = JSON.parse(stdout).find(({ addresses }: { addresses: string[] }) => addresses.includes("127.0.0.1"));
  expect(code).toBe(0);
  expect(loopback).toEqual({
    name: expect.any(String),
    addresses: expect.arrayContaining(["127.0.0.1"]),
    capture: expect.any(Boolean),
  });
  expect((await tallywire(["interfaces"])).stdout).toMatch(/^interface +capture +addresses\n/);
});

test("query has a word for each field of the API, and no other but its own", async () => {
  const { Query } = parse(readFileSync(join(ROOT, "docs/openapi.yaml"), "utf8")).components.schemas;
  const fields = Object.keys(Query.properties).filter((name) => name !== "metric" && name !== "op");
  const { stdout } = await tallywire(["query", "--help"]);
  expect(stdout).toMatch(/^Usage: tallywire query \[options\] <metric> \[op\]$/m);
  const words = [...stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, word]) => word);
  expect(words.toSorted()).toEqual([...fields, "hub", "read-key", "insecure", "output", "help"].toSorted());
});

describe("query, with words that cannot be", () => {
  const hub = ["--hub", "http://127.0.0.1:4999"];
  const mac = "0".repeat(43);
  test.each([
    [["query"], 2, "missing required argument 'metric'"],
    [["query", "dns_clients"], 2, "no hub is given; add --hub https://HUB, or set TALLYWIRE_HUB"],
    [["query", "dns_clients", ...hub], 2, "no key is given; add --read-key, or set TALLYWIRE_READ_KEY"],
    [
      ["query", "dns_clients", ...hub, "--read-key", `tw_w_acme.web-7.${mac}`],
      2,
      "this is a write key; a query needs a read key",
    ],
    [["query", "dns_clients", "sum", ...hub, "--read-key", `tw_r_acme.${mac}`, "--where", "site"], 2, '"site" is no condition'],
    [
      ["query", "dns_clients", "sum", ...hub, "--read-key", `tw_r_acme.${mac}`],
      1,
      "cannot be reached: ECONNREFUSED; is the hub running?",
    ],
  ])("%j", async (words, code, line) => {
    const run = await tallywire(words);
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toContain(line);
  });
});
