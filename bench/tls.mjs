/**
 * What it costs to look into TLS: CPU of `read --summary` with and without the key log as the slope between two lengths of one talk, whose
 * responses fill records, in units of what node:crypto takes to open as many records of the same length and cipher; pairs in turn, medians.
 * Beside it stands what the page's ciphers take for these records, in Node, whose engine is Chromium's.
 * The talk is node's with itself over loopback, as tcpdump records it; requests that are told inside are its own count.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../scripts/lib/run.mjs";
import { cpuSeconds } from "./lib/cpu-seconds.mjs";
import { median } from "./lib/median.mjs";
import { missingRow, row } from "./lib/row.mjs";

const SHORT = 1_000;
const LONG = 5_000;
const PAIRS = 7;
const BODY_BYTES = 15_000;
const CIPHERS = { TLS_AES_128_GCM_SHA256: "aes-128-gcm", TLS_CHACHA20_POLY1305_SHA256: "chacha20-poly1305" };
const READ = ["node", join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json"];

/** Opens so many records, as long as a response's. */
const OPENING = `
const { createCipheriv, createDecipheriv, randomBytes } = require("node:crypto");
const [, cipher, count, bytes] = process.argv;
const [key, nonce, extra] = [randomBytes(cipher.includes("128") ? 16 : 32), randomBytes(12), randomBytes(5)];
const sealing = createCipheriv(cipher, key, nonce, { authTagLength: 16 }).setAAD(extra, { plaintextLength: Number(bytes) });
const sealed = Buffer.concat([sealing.update(Buffer.alloc(Number(bytes))), sealing.final()]);
const tag = sealing.getAuthTag();
for (let i = 0; i < count; i++) {
  const opening = createDecipheriv(cipher, key, nonce, { authTagLength: 16 }).setAAD(extra, { plaintextLength: Number(bytes) });
  opening.setAuthTag(tag).update(sealed);
  opening.final();
}`;

/** Opens as many as that in the page's way. */
const OPENING_IN_PAGE = `
import { createCipheriv, randomBytes } from "node:crypto";
const [, cipher, count, bytes, aes, chacha] = process.argv;
const { gcm } = await import(aes);
const { chacha20poly1305 } = await import(chacha);
const opener = cipher.startsWith("aes") ? gcm : chacha20poly1305;
const [key, nonce, extra] = [randomBytes(cipher.includes("128") ? 16 : 32), randomBytes(12), randomBytes(5)];
const sealing = createCipheriv(cipher, key, nonce, { authTagLength: 16 }).setAAD(extra, { plaintextLength: Number(bytes) });
const sealed = Uint8Array.from(Buffer.concat([sealing.update(Buffer.alloc(Number(bytes))), sealing.final(), sealing.getAuthTag()]));
for (let i = 0; i < count; i++) opener(key, nonce, extra).decrypt(sealed);`;
const NOBLE = ["@noble/ciphers/aes.js", "@noble/ciphers/chacha.js"].map((name) => import.meta.resolve(name));

/** Asks `count` times on one connection; what tcpdump saw of it and the secrets are in files. */
async function record(folder, cipher, count) {
  const [key, cert, keys, path] = ["key.pem", "cert.pem", `${cipher}-${count}.log`, `${cipher}-${count}.pcap`].map((name) =>
    join(folder, name),
  );
  writeFileSync(keys, "");
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert), ciphers: cipher, minVersion: "TLSv1.3" });
  server.on("request", (_, response) => response.end(Buffer.alloc(BODY_BYTES, "a")));
  server.on("keylog", (line) => appendFileSync(keys, line));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  const words = ["-i", "lo", "--immediate-mode", "-B", "65536", "-s", "0", "-Z", "root", "-w", path, `tcp port ${port}`];
  const capture = spawn("tcpdump", words, { stdio: ["ignore", "ignore", "pipe"] });
  const said = { words: "" };
  capture.stderr.on("data", (bytes) => (said.words += bytes));
  while (!said.words.includes("listening on")) {
    if (capture.exitCode !== null) throw new Error(`tcpdump ended: ${said.words}`);
    await sleep(10);
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  for (let i = 0; i < count; i++) {
    await new Promise((done, failed) =>
      get({ agent, port, host: "127.0.0.1", path: `/${i}` }, (answer) => answer.resume().on("end", done)).on("error", failed),
    );
  }
  agent.destroy();
  await new Promise((done) => server.close(done));
  await sleep(1_000);
  const ended = new Promise((done) => capture.on("close", done));
  capture.kill("SIGINT");
  await ended;
  if (!/\n0 packets dropped by kernel/.test(said.words)) throw new Error(`tcpdump lost packets: ${said.words}`);
  return { path, keys, count };
}

/** Requests that are told inside. */
function told({ path, keys }) {
  const { status, stdout } = spawnSync(READ[0], [...READ.slice(1), path, "--tls-keys", keys], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) return 0;
  const rows = JSON.parse(stdout).metrics.filter(({ metric }) => metric === "http_requests_total");
  return rows.reduce((sum, { value }) => sum + value, 0);
}

async function rowsOf(folder, [cipher, name]) {
  const talks = [await record(folder, cipher, SHORT), await record(folder, cipher, LONG)];
  const broken = talks
    .filter((talk) => told(talk) !== talk.count)
    .map((talk) => `${told(talk)} requests of ${talk.count} are told`);
  const slope = (commandOf) => (cpuSeconds(commandOf(talks[1])) - cpuSeconds(commandOf(talks[0]))) / (LONG - SHORT);
  const [closed, opened, bare, page] = [[], [], [], []];
  for (let pair = 0; pair < PAIRS; pair++) {
    closed.push(slope(({ path }) => [...READ, path]));
    opened.push(slope(({ path, keys }) => [...READ, path, "--tls-keys", keys]));
    bare.push(slope(({ count }) => ["node", "-e", OPENING, name, String(count), String(BODY_BYTES)]));
    const words = ["--input-type=module", "-e", OPENING_IN_PAGE, name];
    page.push(slope(({ count }) => ["node", ...words, String(count), String(BODY_BYTES), ...NOBLE]));
  }
  const micros = (seconds) => `${(median(seconds) * 1e6).toFixed(0)} us`;
  const notes = [
    `${micros(opened)} a request and response of ${BODY_BYTES} bytes, ${micros(closed)} without the log, ${micros(bare)} node:crypto`,
  ];
  const speed = `${micros(page)} a record, ${(BODY_BYTES / median(page) / 1e6).toFixed(0)} MB a second`;
  return [
    row(`opened, ${name}: beyond closed, in node:crypto's`, (median(opened) - median(closed)) / median(bare), {
      digits: 2,
      notes,
      broken,
    }),
    row(`opened, ${name}, by the page's ciphers: in node:crypto's`, median(page) / median(bare), { notes: [speed] }),
  ];
}

export async function tls() {
  if (spawnSync("tcpdump", ["--version"]).status !== 0) return [missingRow("under TLS", "tcpdump is not installed")];
  const folder = mkdtempSync(join(tmpdir(), "tallywire-bench-tls-"));
  try {
    const names = ["-subj", "/CN=localhost", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...names], { stdio: "ignore" });
    const rows = [];
    for (const cipher of Object.entries(CIPHERS)) rows.push(...(await rowsOf(folder, cipher)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
