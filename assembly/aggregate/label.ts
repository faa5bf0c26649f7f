/**
 * Labels: named dimensions with enumerated values.
 *
 * A value's index is its number in series keys, bundles and stored tiles for ever: lists are only appended to.
 */

/** Label 0 stands for no label. */
export const LABELS_MAX: u32 = 64;
/** Values of one label at the most: a value's index is one byte of a series key. */
export const LABEL_VALUES_MAX: u32 = 256;
/** Bytes of all label records. */
export const LABELS_BYTES: u32 = LABELS_MAX * 12;

@unmanaged
class Label {
  /** Its name, a static string. */
  name: u32;
  /** Its values with commas between them, a static string. */
  values: u32;
  count: u32;
}

class Labels {
  static start: usize = 0;
}

/** Lays the label records out at `start`, LABELS_BYTES long; none is declared yet. */
export function openLabels(start: usize): void {
  memory.fill(start, 0, LABELS_BYTES);
  Labels.start = start;
}

function labelAt(id: u32): Label {
  assert(id < LABELS_MAX);
  return changetype<Label>(Labels.start + id * offsetof<Label>());
}

/** Declares label `id` (1 to LABELS_MAX - 1) with its values in their order for ever, commas between them. */
export function declareLabel(id: u32, name: string, valuesCsv: string): void {
  const label = labelAt(id);
  assert(id != 0 && label.count == 0);
  label.name = <u32>changetype<usize>(name);
  label.values = <u32>changetype<usize>(valuesCsv);
  label.count = partsOf(valuesCsv);
  assert(label.count <= LABEL_VALUES_MAX);
}

/** How many values label `id` has; 1 for no label, 0 for one that is not declared. */
export function labelValues(id: u32): u32 {
  return id == 0 ? 1 : labelAt(id).count;
}

/** Name of label `id`, which is declared. */
export function labelName(id: u32): string {
  return changetype<string>(<usize>labelAt(id).name);
}

/** Values of label `id`, which is declared, with commas between them. */
export function labelCsv(id: u32): string {
  return changetype<string>(<usize>labelAt(id).values);
}

/** How many parts a text with commas between them has. */
export function partsOf(csv: string): u32 {
  let count: u32 = 1;
  for (let i = 0; i < csv.length; i++) {
    if (csv.charCodeAt(i) == 0x2c) count += 1;
  }
  return count;
}
