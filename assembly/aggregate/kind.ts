/**
 * What every kind of state can do, by the kind's number.
 *
 * A counter's state is its value in the series itself and has no place here.
 */
import { Cursor } from "../bytes/cursor";
import { gaugeCreate, gaugeDecode, gaugeEncode, gaugeMerge, gaugeRelease } from "./gauge";
import { Kind } from "./metric";

/** Gives an empty state, or 0 when the sketch pool is used up. */
export function stateCreate(kind: u32, _parameter: u32): usize {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeCreate();
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
  }
}

/** Adds `from` to `into`; false when the sketch pool is used up. */
export function stateMerge(kind: u32, into: usize, from: usize): bool {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeMerge(into, from);
    default:
      return false;
  }
}

/** Closes a state at the end of its minute, before it is encoded. */
export function stateSeal(_kind: u32, _state: usize): void {}

/** Writes a state to the Writer. */
export function stateEncode(kind: u32, state: usize): void {
  switch (kind) {
    case Kind.GAUGE:
      gaugeEncode(state);
      break;
  }
}

/** Reads an encoded state from the Cursor and adds it to `into`; false at a fault or when the pool is used up. */
export function stateDecode(kind: u32, into: usize, _parameter: u32): bool {
  switch (kind) {
    case Kind.GAUGE:
      return gaugeDecode(into);
    default:
      return false;
  }
}

/** Reads an encoded state from the Cursor and only checks it, completely. */
export function stateSkip(kind: u32, _parameter: u32): bool {
  switch (kind) {
    case Kind.COUNTER:
      return Cursor.varint() != 0;
    case Kind.GAUGE:
      return gaugeDecode(0);
    default:
      return false;
  }
}
