/** The agent's package as `npm pack` makes it: installed into an empty folder, without a compiler, it reads and captures. */
import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { networkMissing } from "../support/capture/network";
import { ROOT } from "../support/repository";

const PACKAGE_BYTES_MAX = 12_000_000;
const PACKAGES_MAX = 20;
const FIXTURE = join(ROOT, "test/fixtures/dns_kdig_udp.pcap");
const TIMEOUT_MS = 600_000;

const run = promisify(execFile);
const { node24 } = (await import(join(ROOT, "scripts/lib/node24.mjs"))) as { node24: () => Promise<string> };

const noCapture = networkMissing();
if (noCapture !== undefined) console.warn(`the agent's package does not capture here: ${noCapture}`);

const folder = mkdtempSync(join(tmpdir(), "tallywire-package-"));
const host = join(folder, "host");
const bare = join(folder, "bin");
const program = join(host, "node_modules/tallywire/shim/bin/tallywire.mjs");
let packed: { filename: string; size: number; files: { path: string }[] };

/** npm as a program of Node, so that it needs nothing on the path. */
function npmScript(): string {
  const { npm_execpath: own = "" } = process.env;
  return own.endsWith("-cli.js") ? own : realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim());
}

/** Makes a folder of programs in which Node and a shell are, and no compiler, make or python. */
function makeBarePath(): void {
  mkdirSync(bare);
  symlinkSync(process.execPath, join(bare, "node"));
  for (const name of ["sh", "env"])
    symlinkSync(["/bin", "/usr/bin"].map((at) => join(at, name)).find(existsSync)!, join(bare, name));
}

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [npmScript(), "pack", "--json", "--pack-destination", folder], { cwd: ROOT });
  [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [typeof packed];
  makeBarePath();
  mkdirSync(host);
  writeFileSync(join(host, "package.json"), "{}\n");
  const words = ["install", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline", join(folder, packed.filename)];
  await run(process.execPath, [npmScript(), ...words], { cwd: host, env: { ...process.env, PATH: bare } });
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the installed program under a Node, with the bare path. */
async function installed(node: string, ...words: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(node, [program, ...words], { cwd: host, env: { PATH: bare } });
}

describe("holds", () => {
  test("core, command line and addon, and nothing to build or serve with", () => {
    const paths = packed.files.map(({ path }) => path);
    const rest = paths.filter(
      (path) => !/^(build\/shim\/[\w-]+\.mjs|[A-Z]+(\.md)?)$/.test(path) && !path.endsWith("tallywire.node"),
    );
    expect(rest.sort()).toEqual(["build/core.wasm", "package.json", "shim/bin/tallywire.mjs"]);
    expect(
      paths.filter((path) => path.endsWith(".node")).every((path) => /^build\/native\/[a-z0-9-]+\/tallywire\.node$/.test(path)),
    ).toBe(true);
    expect(paths.some((path) => path.endsWith(".node"))).toBe(noCapture === undefined || existsSync(join(ROOT, "build/native")));
  });

  test(`at most ${PACKAGES_MAX} packages, ${PACKAGE_BYTES_MAX / 1e6} MB with all that they need`, () => {
    const { packages } = JSON.parse(readFileSync(join(host, "node_modules/.package-lock.json"), "utf8")) as { packages: object };
    expect(Object.keys(packages).length).toBeLessThanOrEqual(PACKAGES_MAX);
    const entries = readdirSync(join(host, "node_modules"), { recursive: true, withFileTypes: true });
    const bytes = entries
      .filter((one) => one.isFile())
      .reduce((sum, one) => sum + readFileSync(join(one.parentPath, one.name)).length, 0);
    expect(bytes).toBeLessThanOrEqual(PACKAGE_BYTES_MAX);
    expect(packed.size).toBeLessThan(bytes);
  });
});

describe.each(["20", "24"])("under Node %s", (version) => {
  const node = async () => (version === "24" ? node24() : process.execPath);

  test("reads a capture as the project does", { timeout: TIMEOUT_MS }, async () => {
    const ours = await run(process.execPath, [join(ROOT, "shim/bin/tallywire.mjs"), "read", FIXTURE, "-o", "json"]);
    expect((await installed(await node(), "read", FIXTURE, "-o", "json")).stdout).toBe(ours.stdout);
  });

  test.runIf(noCapture === undefined)("captures without libpcap's headers or a compiler", { timeout: TIMEOUT_MS }, async () => {
    const server = createServer((_, response) => response.end("page"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const watching = installed(await node(), "watch", "-i", "lo", "-Y", `server.port == ${port}`, "-c", "1", "-o", "json");
    const asking = setInterval(
      () => get({ host: "127.0.0.1", port, path: "/page", agent: false }, (response) => response.resume()),
      300,
    );
    const { stdout } = await watching.finally(() => clearInterval(asking));
    server.close();
    const trip = JSON.parse(stdout) as RoundTrip;
    expect([trip.protocol, trip.request?.path, trip.response?.statusCode]).toEqual(["http", "/page", 200]);
  });
});

test("says kindly that it has no hub", async () => {
  const { stderr, code } = await installed(process.execPath, "hub", "--data", join(folder, "data")).catch((error) => error);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("tallywire: the agent's package has no hub; run tallywire hub in a clone"),
  ]);
});
