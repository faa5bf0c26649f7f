import module from "../build/core.wasm";
import { readBundleHeader } from "../engine/bundle";
import { Core, CoreError } from "../engine/core";
import { encodeRowQuery, type Row, RowDecoder } from "../engine/rows";
import { labelsOf, type Schema } from "../engine/schema";
import { CORE_BUDGET_BYTES } from "./limits";
import type { BundleFault, BundleHead, MergeCore, Metric, NoRows, RowSelection } from "./merge";

/** Codes and reasons of faults, by their number in assembly/wire/fault.ts. */
const FAULTS: readonly (readonly [code: string, reason: string])[] = [
  ["", ""],
  ["not_a_bundle", "the body is not a bundle; post what the agent sealed, as it is"],
  ["bad_format", "the bundle's format is not one this hub reads; run agents no newer than the hub"],
  ["bad_checksum", "the bundle was damaged on the way; post it again from the spool"],
  ["bad_header", "the bundle's header is malformed; it was not written by the core"],
  ["bad_directory", "the bundle's directory is malformed; it was not written by the core"],
  ["bad_metric", "a section contradicts the metric's declaration; run agents and hub of the same release"],
  ["bad_payload", "a section's payload is malformed; it was not written by the core"],
  ...Array<readonly [string, string]>(5).fill([
    "bad_bundle",
    "the bundle does not stand for itself; it was not written by the core",
  ]),
  [
    "bad_total",
    "it counts more than an edge can have seen in its minute; the capture lies about lengths, or the bundle is forged",
  ],
];

/** The fault of an answer that is too long. */
const OUTPUT_FAULT = 12;

/** The core in this isolate, made anew after a trap. What it merges was validated when it came in. */
class HubCore implements MergeCore {
  readonly schema: Schema;
  readonly metrics: readonly Metric[];
  private readonly decoder: RowDecoder;
  private core: Core;

  constructor() {
    this.core = newCore();
    this.schema = this.core.schema;
    this.decoder = new RowDecoder(this.schema);
    this.metrics = this.schema.metrics.map((metric) => ({
      ...metric,
      labels: labelsOf(this.schema, metric),
    }));
  }

  validate(bundle: Uint8Array): BundleHead | BundleFault {
    const fault = this.attempt((core) => core.validate(bundle));
    if (fault === null)
      return { fault: "bad_bundle", reason: "the core failed on this bundle; please report it with the bundle" };
    if (fault !== 0) {
      const [code, reason] = FAULTS[fault] ?? ["bad_bundle", `the core refused it with fault ${fault}`];
      return { fault: code, reason };
    }
    const { minute, lengthSeconds, sequence, bootId, policy, sampling, bundles, dropped, malformed } = readBundleHeader(bundle);
    const unknown = this.core.unknownSections;
    if (bundles !== 1) return { fault: "merged", reason: "it is merged of several; post bundles as the agent sealed them" };
    return {
      minute: minute * 60,
      windowSeconds: lengthSeconds,
      sequence,
      boot: bootId,
      policy: policy.name,
      samplingRate: sampling,
      losses: { dropped, malformed, unknown },
    };
  }

  merge(parts: Iterable<Uint8Array>, metric?: number): Uint8Array | null {
    return this.attempt((core) => core.merge(parts, { known: true, ...(metric !== undefined && { metric }) }));
  }

  mergeWhole(parts: Iterable<Uint8Array>, metric?: number): Uint8Array | null {
    return this.attempt((core) => core.merge(parts, { known: true, ...(metric !== undefined && { metric, allKeys: true }) }));
  }

  rows(parts: Iterable<Uint8Array>, selection: RowSelection): Row[] | NoRows {
    let why: NoRows = "parts";
    const onFault = (fault: number | undefined) => {
      if (fault === OUTPUT_FAULT) why = "answer";
    };
    const answer = this.attempt((core) => {
      core.accumulate(parts, { metric: selection.metric, known: true });
      return core.rows(encodeRowQuery(selection));
    }, onFault);
    return answer === null ? why : this.decoder.decode(answer, selection);
  }

  bundlesIn(part: Uint8Array): number {
    return readBundleHeader(part).bundles;
  }

  /** Runs one piece of work; null where the core could not do it. A core that trapped is replaced. */
  private attempt<T>(work: (core: Core) => T, onFault?: (fault: number | undefined) => void): T | null {
    try {
      return work(this.core);
    } catch (error) {
      console.error(`core: ${error instanceof Error ? error.message : String(error)}`);
      onFault?.(error instanceof CoreError ? error.fault : undefined);
      this.core = newCore();
      return null;
    }
  }
}

function newCore(): Core {
  return new Core(module, { role: "hub", budgetBytes: CORE_BUDGET_BYTES });
}

let instance: HubCore | undefined;

/** The isolate's core. */
export function core(): MergeCore {
  instance ??= new HubCore();
  return instance;
}
