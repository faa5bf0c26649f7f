/** What an agent is told by options, variables and a file: which goes first, and what is wrong, where. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { deriveKey, importMaster } from "../../engine/keys";
import type { AgentOptions } from "../../shim/agent/settings";
import { readConfig } from "../../shim/config/file";
import { CONFIG_KEYS, type ConfigKey } from "../../shim/config/keys";
import { KEYS_WITH_MEANING } from "../../shim/config/meaning";
import { referenceConfig } from "../../shim/config/reference";
import { resolveConfig } from "../../shim/config/resolve";
import { configSchema } from "../../shim/config/schema";
import { Failure } from "../../shim/failure";
import { tallywire } from "../support/command";
import { textOf } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-config-"));
const path = join(folder, "agent.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

function write(text: string): string {
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** What is wrong with a text, a line each without the file's name; none where it can be read. */
function wrongIn(text: string): string[] {
  try {
    readConfig(write(text));
    return [];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exitCode).toBe(2);
    return error.below.map((line) => line.replace(`${path}:`, ""));
  }
}

const isValid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configSchema());
/** A write key of nobody. */
const KEY = await deriveKey(await importMaster("a master key that is for tests only"), { kind: "write", tenant: "t", edge: "e" });
/** Values of keys that mean something, and that are not the example. */
const OTHERS: Record<string, string> = {
  "hub.url": "https://other.example.com",
  "hub.key": KEY,
  "listen.address": "[::1]:9464",
  "capture.protocol": "redis:7000",
};
/** The reference with each example in force. */
const EXAMPLES = referenceConfig()
  .replace("key: tw_w_...", `key: ${KEY}`)
  .replaceAll(/^( *)# (\w+: .*)$/gm, (line, indent: string, rest: string) =>
    CONFIG_KEYS.some(
      (key) => key.path.endsWith(rest.slice(0, rest.indexOf(":"))) && (rest.endsWith(key.example) || rest.endsWith(KEY)),
    )
      ? indent + rest
      : line,
  );

describe("the reference", () => {
  test("says what is usual, and nothing else", () => {
    const usual = CONFIG_KEYS.flatMap(({ path: key, usual }) => (usual === undefined ? [] : [[key, usual]]));
    expect(Object.fromEntries(readConfig(write(referenceConfig())).values)).toEqual(Object.fromEntries(usual));
    const without = resolveConfig({}, {}).options;
    expect(resolveConfig({ config: write(referenceConfig()) }, {}).options).toEqual(without);
  });

  test("its examples can be, and are of every key", () => {
    const { values } = readConfig(write(EXAMPLES));
    expect([...values.keys()].sort()).toEqual(CONFIG_KEYS.map((key) => key.path).sort());
    expect(isValid(parse(EXAMPLES)), JSON.stringify(isValid.errors)).toBe(true);
  });

  test("is what the command prints, and so is the schema, which is in docs/ too", async () => {
    expect((await tallywire(["config"])).stdout).toBe(referenceConfig());
    const schema = (await tallywire(["config", "--schema"])).stdout;
    expect(JSON.parse(schema)).toEqual(configSchema());
    expect(textOf("docs/agent.schema.json")).toBe(schema);
  });
});

test("words of an agent are not passed over", async () => {
  for (const words of [["--threads", "2"], ["--no-owners"], ["--config", "agent.yaml"]]) {
    const { code, stdout, stderr } = await tallywire(["config", ...words]);
    const says = "tallywire: config explains every key; add --show for what holds of these words\n";
    expect([code, stdout, stderr]).toEqual([2, "", says]);
  }
});

describe("what is wrong", () => {
  test.each([
    ["capture:\n  interfce: eth0\n", ["2:3: there is no key capture.interfce; did you mean capture.interface?"]],
    ["hubb:\n  url: https://h\n", ["1:1: there is no key hubb; did you mean hub?"]],
    ["toString: {}\nconstructor:\n", ["1:1: there is no key toString", "2:1: there is no key constructor"]],
    ["interface: eth0\n", ["1:1: there is no key interface; did you mean capture.interface?"]],
    ["quite_unlike_any: 1\n", ["1:1: there is no key quite_unlike_any"]],
    [
      "capture: { threads: 17, ringMiB: 1.5 }\n",
      ["1:21: capture.threads is a whole number from 1 to 16", "1:34: capture.ringMiB is a whole number from 1 to 1024"],
    ],
    ["edge: 12\n", ['1:7: edge is a text: write "12"']],
    ["edge: a b\n", ["1:7: edge is made of letters, digits, and . _ -, at most 100"]],
    ["metrics:\n  theta: maybe\n", ["2:10: metrics.theta is true or false"]],
    ["capture:\n  method: ringg\n", ["2:11: capture.method is one of ring, libpcap, cap"]],
    ["capture: eth0\n", ["1:10: capture is made of keys and values"]],
    ["- a\n", ["1:1: a configuration is made of keys and values"]],
    ["tags: { Site: fra1 }\n", ['1:7: tags cannot be: "Site=fra1" is no tag; write tags as site=fra1,role=edge, each name once']],
    ["tags: [site]\n", ["1:7: tags is name: value each"]],
    ["edge: a\nedge: b\n", ["2:1: the key edge is there twice"]],
    ["tags: { site: a, 'site': b }\n", ["1:18: the key site is there twice"]],
    ["edge: 007\n", ['1:7: edge is a text: write "007"']],
    ["edge: a\n---\nedge: b\n", ["2:1: a configuration is one document: leave out --- and what follows it"]],
    [
      "capture: { interface: [lo, br0], method: [ring] }\n",
      ['1:23: capture.interface is a text: write "lo,br0"', "1:42: capture.method is a text"],
    ],
    [
      "hub: { url: hub.example.com, key: tw_w_x }\nlisten: { address: 0.0.0.0:9464 }\nspool: { folder: ~/spool }\n",
      [
        '1:13: hub.url cannot be: "hub.example.com" is no address of a hub; write it as https://hub.example.com',
        "1:35: hub.key cannot be: this is no key; an agent needs a write key, tw_w_...",
        "2:20: listen.address cannot be: 0.0.0.0 is reached from other hosts, and the agent speaks no TLS; write 127.0.0.1:PORT, [::1]:PORT or unix:PATH",
        "3:18: spool.folder cannot be: no shell reads ~/spool; write the path in full, as /home/NAME/...",
      ],
    ],
    [
      "listen: { tokenFile: '~' }\ncapture: { hostNetworks: [office], tlsKeys: ~ }\n",
      [
        "1:22: listen.tokenFile cannot be: no shell reads ~; write the path in full, as /home/NAME/...",
        '2:26: capture.hostNetworks cannot be: "office" is no network; write it as 192.168.0.0/16 or 2001:db8::/32',
      ],
    ],
    ["capture:\n hostNetworks: [10.0.0.0/8, 4]\n", ["2:16: capture.hostNetworks is a list of texts"]],
    ["edge: *nobody\n", ["1:7: edge cannot be read: Unresolved alias (the anchor must be set before the alias): nobody"]],
  ])("%j", (text, wrong) => {
    expect(wrongIn(text)).toEqual(wrong);
  });

  test("is told with all else that is wrong, and the command ends with 2", async () => {
    write("edge: 12\ncapture:\n  interfce: eth0\n");
    const { code, stderr } = await tallywire(["agent", "--config", path]);
    expect(code).toBe(2);
    expect(stderr.split("\n")).toEqual([
      `tallywire: 2 things are wrong in the configuration ${path}; tallywire config shows how it is written`,
      `${path}:1:7: edge is a text: write "12"`,
      `${path}:3:3: there is no key capture.interfce; did you mean capture.interface?`,
      "",
    ]);
  });

  test("what the core knows is told with its place too", async () => {
    write("labels: { http: [foo] }\ncapture: { protocol: nothing:80 }\n");
    const { code, stderr } = await tallywire(["agent", "--config", path]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:1:9: labels cannot be: "foo" is no label of http; its labels are `);
    expect(stderr).toContain(`${path}:2:22: capture.protocol cannot be: "nothing" is no protocol that is spoken at a port; `);
  });

  test("files that are not there, too large, or no text", async () => {
    expect((await tallywire(["agent", "--config", join(folder, "none.yaml")])).stderr).toMatch(
      /cannot read the configuration .*: there is no such file/,
    );
    writeFileSync(path, "#".repeat((64 << 10) + 1));
    expect((await tallywire(["agent", "--config", path])).stderr).toContain("is larger than a configuration may be");
    expect(wrongIn("\0\x01\xff")).not.toEqual([]);
  });

  test("any text at all is read or refused", () => {
    const words = fc.constantFrom(
      "capture",
      "hub",
      "edge",
      ":",
      " ",
      "\n",
      "  ",
      "-",
      "{",
      "}",
      "[",
      "]",
      "&a",
      "*a",
      "<<",
      '"',
      "'",
      "threads",
      "1",
      "null",
      "? ",
      "|",
      "!!set",
      "%",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => void wrongIn(parts.join(""))),
      { numRuns: 2000 },
    );
  });

  test("aliases that multiply are refused", () => {
    const lines = Array.from(
      { length: 30 },
      (_, index) => `x${index}: &a${index} [${index === 0 ? "1" : `*a${index - 1}, *a${index - 1}`}]`,
    );
    const from = performance.now();
    expect(wrongIn(`${lines.join("\n")}\ntags: *a29\n`).at(-1)).toMatch(
      /tags cannot be read: Excessive alias count|and \d+ more/,
    );
    expect(performance.now() - from).toBeLessThan(20_000);
  });

  test("as many keys as a file can have take no time by the square of them", () => {
    const keys = Array.from({ length: 9000 }, (_, index) => `k${index}`);
    const from = performance.now();
    expect(wrongIn(`{${keys.join()}}`).at(-1)).toBe("and 8980 more");
    // With each key compared with all others it took seconds.
    expect(performance.now() - from).toBeLessThan(2000);
  });

  test("a schema of JSON finds what the program finds, of one key each", () => {
    const value = fc.oneof(
      fc.boolean(),
      fc.integer({ min: -2, max: 2000 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom("ring", "small", "x y", "eth0", ""),
      fc.constant(null),
      fc.array(fc.constantFrom("10.0.0.0/8", "", 1)),
      fc.dictionary(fc.constantFrom("site", "role"), fc.constantFrom("fra1", 1, true, null, "a,b")),
      fc.dictionary(fc.constantFrom("http", "a=b"), fc.array(fc.constantFrom("method", "", "a+b", 1))),
    );
    const key = fc.constantFrom(...CONFIG_KEYS.map((one) => one.path), "capture.interfce", "nothing", "hub", "capture");
    fc.assert(
      fc.property(key, value, (name, held) => {
        const [group, inner] = name.split(".") as [string, string | undefined];
        const document = inner === undefined ? { [group]: held } : { [group]: { [inner]: held } };
        const accepts = isValid(document);
        // The schema cannot say what a tag may be, and what these mean.
        if ((name === "tags" || KEYS_WITH_MEANING.has(name)) && accepts) return;
        expect(wrongIn(JSON.stringify(document)).length === 0, JSON.stringify(document)).toBe(accepts);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Two values of a key that differ, as a file has them and as options are. */
function valuesOf({ path: key, value, example, usual }: ConfigKey): { yaml: string; words: string; option: unknown }[] {
  // Words can only give what is not usual.
  if (value.kind === "flag")
    return [usual !== true, usual === true].map((one) => ({ yaml: `${one}`, words: one ? "yes" : "0", option: one }));
  if (value.kind === "whole") return [value.least, value.most].map((one) => ({ yaml: `${one}`, words: `${one}`, option: one }));
  if (value.kind === "choice") return value.choices.map((one) => ({ yaml: one, words: one, option: one }));
  if (value.kind === "list")
    return ["10.0.0.0/8", "::/0"].map((one) => ({
      yaml: `["${one}", "192.0.2.1/32"]`,
      words: `${one},192.0.2.1/32`,
      option: [one, "192.0.2.1/32"],
    }));
  if (value.kind === "tags")
    return ["a", "b"].map((one) => ({ yaml: `{ site: ${one} }`, words: `site=${one}`, option: `site=${one}` }));
  if (value.kind === "labels")
    return ["method", "path"].map((one) => ({ yaml: `{ http: [${one}] }`, words: `http=${one}`, option: `http=${one}` }));
  return [key === "hub.key" ? KEY : example, OTHERS[key] ?? "other"].map((one) => ({
    yaml: JSON.stringify(one),
    words: one,
    option: one,
  }));
}

describe("which goes first", () => {
  test("options, then variables, then the file, then what is usual; for every key", () => {
    for (const key of CONFIG_KEYS) {
      const all = valuesOf(key);
      for (const [inFile, inVariable, inWords] of [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
        [bits & 1, bits & 2, bits & 4].map(Boolean),
      )) {
        const [first, other] = [all[0]!, all.at(-1)!];
        const [group, inner] = key.path.split(".") as [string, string | undefined];
        write(inFile ? (inner === undefined ? `${group}: ${first.yaml}` : `${group}:\n  ${inner}: ${first.yaml}`) : "");
        const env = inVariable ? { [key.variable!]: other.words } : {};
        const words = (inWords ? { [key.option]: first.option } : {}) as AgentOptions;
        const expected = inWords ? first.option : inVariable ? other.option : inFile ? first.option : key.usual;
        expect(
          resolveConfig({ ...words, config: path }, env).options[key.option],
          `${key.path} ${inFile} ${inVariable} ${inWords}`,
        ).toEqual(expected);
      }
    }
  });

  test("a variable names the file, and an empty one says nothing", () => {
    write("edge: a");
    expect(resolveConfig({}, { TALLYWIRE_CONFIG: path }).options.edge).toBe("a");
    expect(resolveConfig({}, { TALLYWIRE_CONFIG: path, TALLYWIRE_EDGE: "" }).options.edge).toBe("a");
    expect(resolveConfig({}, { TALLYWIRE_CONFIG: "" }).options.edge).toBeUndefined();
  });

  test("captures on the command line are read in place of an interface", () => {
    write("capture: { interface: eth0, user: nobody, threads: 4, cpuMaxPercent: 20, filter: port 53 }");
    const { options } = resolveConfig({ file: ["a.pcap"], config: path }, {});
    expect(options).toMatchObject({ file: ["a.pcap"], captureFilter: "port 53" });
    expect([options.interface, options.user, options.threads, options.cpuMax]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("a wrong variable is named", () => {
    expect(() => resolveConfig({}, { TALLYWIRE_THREADS: "many" })).toThrow("TALLYWIRE_THREADS is a whole number from 1 to 16");
    expect(() => resolveConfig({}, { TALLYWIRE_THETA: "perhaps" })).toThrow("TALLYWIRE_THETA is true or false");
  });
});

describe("the commands", () => {
  test("--show says where each value comes from, and no secret", async () => {
    write(`hub: { url: "http://127.0.0.1:1", key: ${KEY} }\ncapture: { interface: lo, filter: prt 3 }\n`);
    const { stdout, stderr } = await tallywire(["config", "--config", path, "--budget", "32", "--show"], {
      env: { TALLYWIRE_TAGS: "site=fra1" },
    });
    expect(stdout).toContain(`  interface: lo  # by ${path}\n`);
    expect(stdout).toContain("  budgetMiB: 32  # by --budget\n");
    expect(stdout).toContain('tags: "site=fra1"  # by TALLYWIRE_TAGS\n');
    expect(stdout).toContain("  sizeMiB: 256  # as usual\n");
    expect(stdout + stderr).not.toContain(KEY);
    expect(stderr).toContain('"prt 3" is no filter: ');
    expect(Object.keys(parse(stdout) as object)).toContain("hub");
  });

  test("--show ends with 2 for what an agent could not begin with", async () => {
    for (const [text, wrong] of [
      ["{ interface: lo, hostNetworks: [10.0.0.0/8, office] }", '"office" is no network; write it as'],
      ["{ interface: lo, filter: prt 3 }", '"prt 3" is no filter'],
      ["{ interface: lo, filter: tcp and, threads: 2 }", '"tcp and" is no filter'],
      ["{ interface: lo, method: libpcap, threads: 3 }", "several threads take rings"],
      ["{ interface: lo, filter: vlan 5, threads: 3 }", "several threads take rings"],
    ] as const) {
      write(`capture: ${text}\n`);
      const { code, stderr } = await tallywire(["config", "--config", path, "--show"]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(wrong)]);
    }
    write("capture: { interface: lo, filter: inbound and port 53, threads: 2 }\n");
    expect((await tallywire(["config", "--config", path, "--show"])).code).toBe(0);
    const { code, stderr } = await tallywire(["config", "-i", "lo", "--spool=~/sp", "--show"]);
    expect([code, stderr]).toEqual([2, "tallywire: no shell reads ~/sp; write the path in full, as /home/NAME/...\n"]);
  });

  test("an agent does as a file says", async () => {
    write(`edge: by-file\nspool: { folder: ${JSON.stringify(join(folder, "spool"))} }\n`);
    const { code, stderr } = await tallywire(["agent", "--config", path, "--file", "test/fixtures/dns_kdig_udp.pcap"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("edge by-file: reading test/fixtures/dns_kdig_udp.pcap")]);
    expect(stderr).toContain(`wait in ${join(folder, "spool", "by-file")}`);
  });

  test("a key that others may read is told of", async () => {
    write(`hub: { key: ${KEY} }\n`);
    chmodSync(path, 0o644);
    expect((await tallywire(["config", "--config", path, "--show"])).stderr).toContain(
      `holds a key and others may read it; chmod 600 ${path}`,
    );
  });

  test("doctor looks at what a file says", async () => {
    write(`capture: { interface: no-such-interface }\nspool: { folder: ${JSON.stringify(join(folder, "spool"))} }\n`);
    expect((await tallywire(["doctor", "--config", path])).stdout).toContain("no-such-interface");
  });
});
