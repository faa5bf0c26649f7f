/**
 * Asks for the opener of every connection of clients that keep a record, and counts what is right: `node asker.mjs ADDON CLIENT ADDRESS
 * PORT COUNT MANNER,... LIFE_MS,...` writes a row a line, as JSON.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [addon, client, address, port, count, manners, lives] = process.argv.slice(2);
const native = createRequire(import.meta.url)(addon);
const OUTCOMES = ["late", "known", "gone", "hidden", "doubtful", "busy"];
const TCP = 6;
const PAUSE_US = 1000;
/** The core asks when a block of its ring is handed over. */
const ASKED_AFTER_MS = 12;
const TRIES = 60;

/** Addresses of loopback's clients are the server's. */
const own = process.env.OWN_ADDRESS ?? address;
const bytesOf = (text) => Uint8Array.from(text.split("."), Number);

async function outcomeOf(record) {
  const [localPort, pid, seconds, nanoseconds] = record.split(" ").map(Number);
  await sleep(ASKED_AFTER_MS);
  let found;
  for (let tries = 0; tries < TRIES && found === undefined; tries++) {
    found = native.findOwner(0, TCP, bytesOf(own), localPort, bytesOf(address), Number(port), 0, seconds, nanoseconds);
    if (found === undefined) await sleep(1);
  }
  if (OUTCOMES[found?.outcome] !== "known") return OUTCOMES[found?.outcome ?? 0];
  return found.pid === pid ? "right" : "wrong";
}

native.openOwners();
for (const manner of manners.split(",")) {
  for (const lifeMs of lives.split(",")) {
    const row = { manner, lifeMs: Number(lifeMs), right: 0, wrong: 0 };
    const words = [manner, address, port, String(Number(lifeMs) * 1000), count, String(PAUSE_US)];
    const running = spawn(client, words, { stdio: ["ignore", "pipe", "inherit"] });
    const asked = [];
    for await (const record of createInterface({ input: running.stdout })) {
      const counted = outcomeOf(record).then((outcome) => {
        row[outcome] = (row[outcome] ?? 0) + 1;
      });
      asked.push(counted);
    }
    await Promise.all(asked);
    console.log(JSON.stringify(row));
  }
}
native.closeOwners();
