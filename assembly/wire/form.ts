/** States in the forms of Apache DataSketches, as payloads of rows. */
import { Kind } from "../aggregate/metric";
import { topEncodeFrequentItems } from "../sketches/frequent-items";
import { distinctEncodeHll, HllType } from "../sketches/hll";
import { thetaEncodeCompact } from "../sketches/theta-codec";

/** What the payloads of rows are; the numbers stand in questions. */
export class Form {
  /** Figures, as `row.ts` draws them. */
  static readonly FIGURES: u32 = 0;
  static readonly HLL_8: u32 = 1;
  static readonly HLL_4: u32 = 2;
  static readonly FREQUENT_ITEMS: u32 = 3;
  static readonly THETA: u32 = 4;
}

/** The highest form that this build knows. */
export const FORM_MAX: u32 = 4;

/** Whether a state of `kind` can be had in `form`. */
export function formFits(form: u32, kind: u32): bool {
  switch (form) {
    case Form.FIGURES:
      return true;
    case Form.HLL_8:
    case Form.HLL_4:
      return kind == Kind.DISTINCT;
    case Form.FREQUENT_ITEMS:
      return kind == Kind.TOP;
    default:
      return kind == Kind.THETA;
  }
}

/** Writes a state in a form that fits its kind and is not FIGURES: of a top, the `items` heaviest keys, which may be addresses. */
export function writeForm(form: u32, state: usize, items: u32, isAddress: bool): void {
  switch (form) {
    case Form.HLL_8:
      distinctEncodeHll(state, HllType.HLL_8);
      break;
    case Form.HLL_4:
      distinctEncodeHll(state, HllType.HLL_4);
      break;
    case Form.FREQUENT_ITEMS:
      topEncodeFrequentItems(state, items, isAddress);
      break;
    case Form.THETA:
      thetaEncodeCompact(state);
      break;
  }
}
