/**
 * What every kind of state can do, by the kind's number.
 *
 * A counter's state is its value in the series itself and has no place here, except that its payload can be checked.
 */
import { Cursor } from "../bytes/cursor";
import { breakdownCreate, breakdownMerge, breakdownRelease } from "../sketches/breakdown";
import { breakdownDecode, breakdownEncode, breakdownReadTotal, breakdownSkip } from "../sketches/breakdown-codec";
import { UNITS } from "../sketches/bucket";
import {
  DISTINCT_PRECISION_MAX,
  DISTINCT_PRECISION_MIN,
  distinctCreate,
  distinctMerge,
  distinctRelease,
} from "../sketches/distinct";
import { distinctDecode, distinctEncode, distinctSkip } from "../sketches/distinct-codec";
import { histogramCreate, histogramMerge, histogramRelease } from "../sketches/histogram";
import { histogramDecode, histogramEncode, histogramReadCount, histogramSkip } from "../sketches/histogram-codec";
import { TABLE_BITS_MAX, TABLE_BITS_MIN } from "../sketches/key-table";
import {
  RATE_APART,
  rateCreate,
  rateDecode,
  rateEncode,
  rateEncodeApart,
  rateMerge,
  rateRelease,
  rateSeal,
  rateSealApart,
  rateSkip,
} from "../sketches/rate";
import { THETA_LOG2, thetaCreate, thetaMerge, thetaRelease } from "../sketches/theta";
import { thetaDecode, thetaEncode, thetaSkip } from "../sketches/theta-codec";
import { topCreate, topMerge, topRelease } from "../sketches/top";
import { topDecode, topEncode, topReadTotal, topSkip } from "../sketches/top-codec";
import { gaugeCreate, gaugeDecode, gaugeEncode, gaugeMerge, gaugeRelease } from "./gauge";
import { Kind } from "./metric";

/** Whether states of `kind` with this parameter can be made: asked for metrics that this build does not know. */
export function parameterFits(kind: u32, parameter: u32): bool {
  switch (kind) {
    case Kind.COUNTER:
    case Kind.GAUGE:
    case Kind.RATE:
      return parameter == 0;
    case Kind.HISTOGRAM:
      return parameter < UNITS;
    case Kind.DISTINCT:
      return parameter >= DISTINCT_PRECISION_MIN && parameter <= DISTINCT_PRECISION_MAX;
    case Kind.TOP:
      return parameter >= TABLE_BITS_MIN && parameter <= TABLE_BITS_MAX;
    case Kind.BREAKDOWN:
      return parameter >= TABLE_BITS_MIN && parameter < TABLE_BITS_MAX;
    case Kind.THETA:
      return parameter == THETA_LOG2;
    default:
      return false;
  }
}

/** Gives an empty state, or 0 when the sketch pool is used up. */
export function stateCreate(kind: u32, parameter: u32): usize {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeCreate();
    case Kind.RATE:
      return rateCreate(parameter);
    case Kind.HISTOGRAM:
      return histogramCreate(parameter);
    case Kind.DISTINCT:
      return distinctCreate(parameter);
    case Kind.TOP:
      return topCreate(parameter);
    case Kind.BREAKDOWN:
      return breakdownCreate(parameter);
    case Kind.THETA:
      return thetaCreate(parameter);
    default:
      return 0;
  }
}

/** Gives a state's memory back. */
export function stateRelease(kind: u32, state: usize): void {
  switch (kind) {
    case Kind.GAUGE:
      gaugeRelease(state);
      break;
    case Kind.RATE:
      rateRelease(state);
      break;
    case Kind.HISTOGRAM:
      histogramRelease(state);
      break;
    case Kind.DISTINCT:
      distinctRelease(state);
      break;
    case Kind.TOP:
      topRelease(state);
      break;
    case Kind.BREAKDOWN:
      breakdownRelease(state);
      break;
    case Kind.THETA:
      thetaRelease(state);
      break;
  }
}

/** Adds `from` to `into`; false when the sketch pool is used up or a limit of counts is reached. */
export function stateMerge(kind: u32, into: usize, from: usize): bool {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeMerge(into, from);
    case Kind.RATE:
      return rateMerge(into, from);
    case Kind.HISTOGRAM:
      return histogramMerge(into, from);
    case Kind.DISTINCT:
      return distinctMerge(into, from);
    case Kind.TOP:
      return topMerge(into, from);
    case Kind.BREAKDOWN:
      return breakdownMerge(into, from);
    case Kind.THETA:
      return thetaMerge(into, from);
    default:
      return false;
  }
}

/** Closes a state at the end of its minute, of which `seconds` from `first` on were captured, before it is encoded; false without memory. */
export function stateSeal(kind: u32, state: usize, parameter: u32, first: u32, seconds: u32): bool {
  if (kind != Kind.RATE) return true;
  return parameter == RATE_APART ? rateSealApart(state, first, seconds) : rateSeal(state, seconds);
}

/** Writes a state to the Writer. */
export function stateEncode(kind: u32, state: usize, parameter: u32): void {
  switch (kind) {
    case Kind.GAUGE:
      gaugeEncode(state);
      break;
    case Kind.RATE:
      if (parameter == RATE_APART) rateEncodeApart(state);
      else rateEncode(state);
      break;
    case Kind.HISTOGRAM:
      histogramEncode(state);
      break;
    case Kind.DISTINCT:
      distinctEncode(state);
      break;
    case Kind.TOP:
      topEncode(state);
      break;
    case Kind.BREAKDOWN:
      breakdownEncode(state);
      break;
    case Kind.THETA:
      thetaEncode(state);
      break;
  }
}

/** Reads an encoded state that `stateSkip` found valid from the Cursor and adds it to `into`; false, and `into` of no more use, where `stateMerge` is false. */
export function stateDecode(kind: u32, into: usize, parameter: u32): bool {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeDecode(into);
    case Kind.RATE:
      return rateDecode(into, parameter);
    case Kind.HISTOGRAM:
      return histogramDecode(into, parameter);
    case Kind.DISTINCT:
      return distinctDecode(into, parameter);
    case Kind.TOP:
      return topDecode(into, parameter);
    case Kind.BREAKDOWN:
      return breakdownDecode(into, parameter);
    case Kind.THETA:
      return thetaDecode(into, parameter);
    default:
      return false;
  }
}

/** Reads an encoded state from the Cursor and only checks it, completely. */
export function stateSkip(kind: u32, parameter: u32): bool {
  switch (kind) {
    case Kind.COUNTER:
      return Cursor.varint() != 0;
    case Kind.GAUGE:
      return gaugeDecode(0);
    case Kind.RATE:
      return rateSkip(parameter);
    case Kind.HISTOGRAM:
      return histogramSkip(parameter);
    case Kind.DISTINCT:
      return distinctSkip(parameter);
    case Kind.TOP:
      return topSkip(parameter);
    case Kind.BREAKDOWN:
      return breakdownSkip(parameter);
    case Kind.THETA:
      return thetaSkip(parameter);
    default:
      return false;
  }
}

/** What the state that was read last with `stateDecode` or `stateSkip` adds to a total that has an end; 0 where none has. */
export function stateReadTotal(kind: u32): u64 {
  switch (kind) {
    case Kind.RATE:
    case Kind.HISTOGRAM:
      return histogramReadCount();
    case Kind.TOP:
      return topReadTotal();
    case Kind.BREAKDOWN:
      return breakdownReadTotal();
    default:
      return 0;
  }
}
