/** What the sketches are fed: names, label sets and durations, drawn the same way each time. */
import { NameStream } from "../lib/name-stream.mjs";
import { seeded } from "../lib/seeded.mjs";

const LABEL_SETS = 1000;
const METHODS = ["GET", "GET", "GET", "POST", "PUT"];
/** Median and spread of durations, which are lognormal. */
const DURATION_NS = 5e6;
const DURATION_SIGMA = 1.2;

/** `count` keys one after another, each behind a byte of its length. */
function keys(count, next) {
  const parts = [];
  for (let i = 0; i < count; i++) {
    const text = next();
    parts.push(String.fromCharCode(text.length), text);
  }
  return Buffer.from(parts.join(""), "latin1");
}

/** Names as the captures of DNS have them. */
export function names(count, different) {
  const stream = new NameStream(seeded(1), different);
  return keys(count, () => stream.next());
}

/** Label sets as routes have them: a thousand, skewed. */
export function labelSets(count) {
  const random = seeded(2);
  return keys(count, () => {
    const number = Math.floor(random() ** 4 * LABEL_SETS);
    return `${METHODS[number % METHODS.length]} www${number % 7}.shop.example /api/v1/route${number}/{id}`;
  });
}

/** Durations, ns. */
export function durations(count) {
  const random = seeded(3);
  return BigUint64Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return BigInt(Math.round(DURATION_NS * Math.exp(DURATION_SIGMA * normal)));
  });
}
