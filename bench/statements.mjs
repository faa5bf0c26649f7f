/**
 * What it costs to read a statement: its text without literals and its fingerprint, in one pass.
 *
 * Each statement has 200 bytes and is read over and over by the core's code, release options; reading it, hashing its bytes and
 * copying them take turns. Figures are medians over the rounds, of CPU.
 */
import { compileEntry } from "./lib/compile-entry.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";

const ROUNDS = 41;
const WARM_UP_ROUNDS = 5;
const TIMES = 40_000;
const MYSQL = 0;
const POSTGRESQL = 1;
const BYTES = 200;
const MOST_NS = 300;

/** By what they are made of; cut to 200 bytes. */
const STATEMENTS = {
  "select with where": [
    MYSQL,
    "SELECT id, name, price, stock FROM products WHERE category_id = 17 AND price BETWEEN 10.5 AND 99.99 AND status IN ('new', 'used') AND updated > '2026-01-01' ORDER BY price DESC, name ASC LIMIT 20 OFFS",
  ],
  "insert of many values": [
    MYSQL,
    "INSERT INTO order_lines (order_id, product, quantity, price) VALUES (1001, 'keyboard', 2, 49.9), (1001, 'mouse', 1, 19.5), (1002, 'screen 27', 1, 249.0), (1003, 'cable', 10, 3.25), (1004, 'dock', 1, 9",
  ],
  "join of long names": [
    MYSQL,
    "SELECT customers.customer_name, orders.order_number, deliveries.delivered_at FROM customers JOIN orders ON orders.customer_id = customers.id LEFT JOIN deliveries ON deliveries.order_id = orders.order_",
  ],
  "update with placeholders": [
    POSTGRESQL,
    'UPDATE "accounts" SET balance = balance - $1, updated_at = now() WHERE id = $2 AND version = $3 RETURNING id, balance, version, updated_at, owner_id, (SELECT count(*) FROM transfers t WHERE t.account=',
  ],
};

function cpuNs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / TIMES;
}

/** The nanoseconds of reading, hashing and copying one statement, by round. */
function measure(core, dialect, text) {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length !== BYTES) throw new Error(`a statement of ${bytes.length} bytes`);
  new Uint8Array(core.memory.buffer).set(bytes, core.staging());
  const found = { read: [], hash: [], copy: [] };
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const ns = {
      read: cpuNs(() => core.readMany(BYTES, dialect, 0, TIMES)),
      hash: cpuNs(() => core.hashMany(BYTES, TIMES)),
      copy: cpuNs(() => core.copyMany(BYTES, TIMES)),
    };
    if (round >= WARM_UP_ROUNDS) for (const [name, list] of Object.entries(found)) list.push(ns[name]);
  }
  return found;
}

export async function statements() {
  const { exports } = new WebAssembly.Instance(await compileEntry("bench/statements/statements.entry.ts"), {});
  return Object.entries(STATEMENTS).map(([name, [dialect, text]]) => {
    const { read, hash, copy } = measure(exports, dialect, text);
    const ratio = median(read.map((ns, round) => ns / hash[round]));
    const notes = [
      `text and fingerprint of ${BYTES} bytes`,
      `${ratio.toFixed(1)} hashes of them`,
      `a hash ${median(hash).toFixed(0)} ns, a copy ${median(copy).toFixed(0)} ns here`,
    ];
    return row(`statement: ${name}`, median(read), { most: MOST_NS, unit: "ns", digits: 0, notes });
  });
}
