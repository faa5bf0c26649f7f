/**
 * What sketches cost: the update of each in units of the bare hash of the same keys, and its merge in units of a copy of its bytes.
 *
 * All loops run in the core's code with keys in its memory, release options. Variants take turns, so that a machine's moods hit
 * all of them; figures are medians over the rounds, of CPU. An update is net: what it takes beyond the hash. States are
 * merged as a hub does, those of many hosts, each with its part of the stream, into one; a state's bytes are those of its blocks.
 */

import { compileEntry } from "./lib/compile-entry.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";
import { durations, labelSets, names } from "./sketches/streams.mjs";

const ELEMENTS = 1_000_000;
const DIFFERENT_NAMES = 400_000;
const HOSTS = 64;
const POOL_BYTES = 128 << 20;
const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
/** How long one measurement of merges is at least. */
const LEAST_MS = 10;
/** Net of the hash, ns, as the prototype of the design had them. */
const PROTOTYPE_NS = { hash: "5.7 to 10", distinct: "2.8", histogram: "4.2", top: "16" };

function cpuMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Runs all variants in turn; gives each one's milliseconds by round. */
function inTurn(variants) {
  const found = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [name, work] of Object.entries(variants)) {
      const ms = cpuMs(work);
      if (round >= WARM_UP_ROUNDS) found[name].push(ms);
    }
  }
  return found;
}

class Bench {
  constructor(module) {
    const { exports } = new WebAssembly.Instance(module, {});
    this.core = exports;
    const streams = [names(ELEMENTS, DIFFERENT_NAMES), labelSets(ELEMENTS)];
    exports.open(streams[0].length + streams[1].length, ELEMENTS, POOL_BYTES);
    this.names = exports.keys();
    this.labelSets = this.names + streams[0].length;
    const memory = new Uint8Array(exports.memory.buffer);
    memory.set(streams[0], this.names);
    memory.set(streams[1], this.labelSets);
    new BigUint64Array(exports.memory.buffer, exports.values(), ELEMENTS).set(durations(ELEMENTS));
    /** By name: the number of the kind, and where its keys begin; without keys it takes the durations, and the hash is a name's. */
    this.kinds = {
      distinct: { kind: exports.DISTINCT.value, keys: this.names, stream: "names, every other new" },
      top: { kind: exports.TOP.value, keys: this.names, stream: "names, every other new" },
      breakdown: { kind: exports.BREAKDOWN.value, keys: this.labelSets, stream: "1,000 skewed label sets" },
      histogram: { kind: exports.HISTOGRAM.value, stream: "lognormal durations" },
      rate: { kind: exports.RATE.value, stream: "counts over a minute" },
    };
  }

  /** Fills a new state with `count` elements; gives it and where the next key begins. */
  fill({ kind, keys }, at, first, count) {
    const state = this.core.create(kind);
    if (keys === undefined) this.core.addValues(kind, state, first, count);
    const next = keys === undefined ? 0 : this.core.addKeys(kind, state, at, count);
    return { state, next };
  }

  updates() {
    const { core, names, labelSets } = this;
    const variants = {
      names: () => core.hashMany(names, ELEMENTS),
      labelSets: () => core.hashMany(labelSets, ELEMENTS),
    };
    for (const [name, of] of Object.entries(this.kinds)) {
      variants[name] = () => core.release(of.kind, this.fill(of, of.keys, 0, ELEMENTS).state);
    }
    const found = inTurn(variants);
    const nsOf = (ms) => ((median(ms) * 1e6) / ELEMENTS).toFixed(1);
    return Object.entries(this.kinds).map(([name, { keys, stream }]) => {
      const hash = keys === labelSets ? found.labelSets : found.names;
      const net = found[name].map((ms, round) => (keys === undefined ? ms : ms - hash[round]));
      const notes = [stream, `${nsOf(net)} ns net of the hash's ${nsOf(hash)} here`];
      if (PROTOTYPE_NS[name]) notes.push(`the design's prototype: ${PROTOTYPE_NS[name]} net of ${PROTOTYPE_NS.hash}`);
      const ratio = median(net.map((ms, round) => ms / hash[round]));
      return row(`${name}: update, in bare hashes`, ratio, { digits: 2, notes });
    });
  }

  /** Fills a state a host and lists them for the core; gives the bytes of one. */
  fillHosts(of) {
    const before = this.core.poolUsed();
    const each = Math.floor(ELEMENTS / HOSTS);
    const states = [];
    for (let at = of.keys; states.length < HOSTS; ) {
      const { state, next } = this.fill(of, at, states.length * each, each);
      if (of.kind === this.kinds.rate.kind) this.core.seal(state);
      states.push(state);
      at = next;
    }
    new Uint32Array(this.core.memory.buffer, this.core.states(), HOSTS).set(states);
    return Math.round((this.core.poolUsed() - before) / HOSTS);
  }

  merges() {
    return Object.entries(this.kinds).map(([name, of]) => {
      const bytes = this.fillHosts(of);
      const merge = () => this.core.mergeMany(of.kind, HOSTS);
      const copy = () => this.core.copyMany(bytes, HOSTS);
      const [merges, copies] = [merge, copy].map(repeats);
      const found = inTurn({ merge: times(merge, merges), copy: times(copy, copies) });
      const ratios = found.merge.map((ms, round) => ms / merges / (found.copy[round] / copies));
      const us = (median(found.merge) * 1000) / merges / HOSTS;
      const notes = [`${HOSTS} hosts into one`, `${us.toFixed(2)} us each here`, `${bytes.toLocaleString("en")} B`];
      const broken = this.core.refused() > 0n ? ["the pool was used up"] : [];
      return row(`${name}: merge, in copies of its size`, median(ratios), { notes, broken });
    });
  }
}

/** How often work is done so that it takes long enough to be measured. */
function repeats(work) {
  for (let count = 1; ; count *= 2) if (cpuMs(times(work, count)) >= LEAST_MS) return count;
}

function times(work, count) {
  return () => {
    for (let i = 0; i < count; i++) work();
  };
}

export async function sketches() {
  const bench = new Bench(await compileEntry("bench/sketches/sketches.entry.ts"));
  return [...bench.updates(), ...bench.merges()];
}
