/**
 * How many elements a distinct state stands for: the maximum-likelihood estimate of Ertl's UltraLogLog paper (section 4).
 *
 * With `n` elements over `m` registers the levels of a register are independent Poisson events, level k at the rate x 2^-k with
 * x = n / m. A register tells of every level at or above k - 2 whether it was seen, so the estimate is the x that solves
 *
 *   sum over levels of b(k) 2^-k / (exp(x 2^-k) - 1) = a
 *
 * with b(k) the registers that saw level k, and a the rates of all levels known to be unseen. The left side falls and is convex,
 * and Newton's method from a start below the root climbs to it. Its exponentials come from squaring, so that every host
 * computes the same bits.
 */

import { PAGE_BYTES } from "../bytes/pool";
import { DISTINCT_LIST_MAX, Distinct, pagesOf, registerPage } from "./distinct";
import { SketchPool } from "./sketch-pool";

/** The run has 38 bits: level 39, an empty run, is as likely as level 38. */
const LEVELS: u32 = 38;
const REGISTERS: u32 = 168;
/** Squarings before level 38, from where exp(t) - 1 is t + t^2 / 2 to the last bit. */
const SQUARINGS: u32 = 30;
const STEPS_MAX: u32 = 60;
/** Relative standard error times the root of m: 1 over the root of the Fisher information (paper, section 4.2). */
const ERROR: f64 = 0.7608621002725182;
/** First-order bias times m (paper, section 4.3). */
const BIAS: f64 = 0.48147376527720065;

/** Estimates the number of distinct elements: exact up to 32, then with a standard error of 0.76 / sqrt(2^p). */
export function distinctEstimate(state: usize): f64 {
  const distinct = changetype<Distinct>(state);
  if (!distinct.full) return <f64>distinct.listed;
  const registers = <f64>(1 << (<u32>distinct.precision));
  const estimate = (registers * solve(distinct)) / (1 + BIAS / registers);
  return max(estimate, <f64>(DISTINCT_LIST_MAX + 1));
}

/** Two standard errors below the estimate; the number itself while it is exact. */
export function distinctLower(state: usize): f64 {
  const distinct = changetype<Distinct>(state);
  const estimate = distinctEstimate(state);
  return distinct.full ? max(estimate * (1 - twoErrors(distinct)), <f64>(DISTINCT_LIST_MAX + 1)) : estimate;
}

/** Two standard errors above the estimate; the number itself while it is exact. */
export function distinctUpper(state: usize): f64 {
  const distinct = changetype<Distinct>(state);
  const estimate = distinctEstimate(state);
  return distinct.full ? estimate * (1 + twoErrors(distinct)) : estimate;
}

function twoErrors(distinct: Distinct): f64 {
  return (2 * ERROR) / Math.sqrt(<f64>(1 << (<u32>distinct.precision)));
}

/** Counts the registers of each value into the scratch. */
export function countRegisters(distinct: Distinct): usize {
  const counts = SketchPool.scratch;
  memory.fill(counts, 0, REGISTERS << 2);
  const pages = pagesOf(distinct);
  for (let page: u32 = 0; page < pages; page++) {
    let at = registerPage(distinct, page);
    for (const end = at + PAGE_BYTES; at < end; at++) {
      const count = counts + ((<usize>load<u8>(at)) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
  }
  return counts;
}

/** 2^-level. */
function rate(level: u32): f64 {
  return reinterpret<f64>((<u64>(1023 - level)) << 52);
}

/** Solves the equation above for x. */
function solve(distinct: Distinct): f64 {
  const counts = countRegisters(distinct);
  const seen = counts + (REGISTERS << 2);
  memory.fill(seen, 0, (LEVELS + 2) << 2);
  let unseen = <f64>load<u32>(counts);
  for (let register: u32 = 12; register < REGISTERS; register++) {
    const count = load<u32>(counts + (register << 2));
    if (count == 0) continue;
    const k = (register >> 2) - 2;
    if (k <= LEVELS) unseen += <f64>count * rate(k);
    addSeen(seen, k, count);
    if (register & 2) addSeen(seen, k - 1, count);
    else if (k > 1) unseen += <f64>count * rate(k - 1);
    if (register & 1) addSeen(seen, k - 2, count);
    else if (k > 2) unseen += <f64>count * rate(k - 2);
  }
  return climb(seen, unseen);
}

function addSeen(seen: usize, k: u32, count: u32): void {
  const at = seen + (min(k, LEVELS) << 2);
  store<u32>(at, load<u32>(at) + count);
}

/** Newton's method on the equation, from a start that is never above the root. */
function climb(seen: usize, unseen: f64): f64 {
  let events: f64 = 0;
  let rates: f64 = 0;
  for (let k: u32 = 1; k <= LEVELS; k++) {
    const count = <f64>load<u32>(seen + (k << 2));
    events += count;
    rates += count * rate(k);
  }
  let x = events / (unseen + rates / 2);
  for (let step: u32 = 0; step < STEPS_MAX; step++) {
    const t = x * rate(LEVELS + SQUARINGS);
    let grown = t + (t * t) / 2;
    for (let i: u32 = 0; i < SQUARINGS; i++) grown *= 2 + grown;
    let left: f64 = 0;
    let slope: f64 = 0;
    for (let k = LEVELS; k > 0; k--) {
      const count = <f64>load<u32>(seen + (k << 2));
      const part = (count * rate(k)) / grown;
      left += part;
      slope += (part * rate(k) * (1 + grown)) / grown;
      grown *= 2 + grown;
      if (grown > 1e100) break;
    }
    const change = (left - unseen) / slope;
    x += change;
    if (change <= x * 1e-13) break;
  }
  return x;
}
