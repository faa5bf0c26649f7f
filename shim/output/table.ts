import { printable } from "./printable";
import { cutText, textWidth } from "./text-width";

/** A column of a table: its title, whether its cells are figures, which stand at the right, and whether they are cut where room is short. */
export interface Column {
  title: string;
  isFigure?: boolean;
  mayBeCut?: boolean;
}

const GAP = "  ";
/** What is left of a text at the least, however narrow a terminal is. */
const CUT_WIDTH_MIN = 12;

/** Cells under their titles, as narrow as they allow, or in so many columns if those that may be cut are. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], most = Number.POSITIVE_INFINITY): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const needed = columns.map((_, index) => Math.max(...lines.map((cells) => textWidth(cells[index] ?? ""))));
  const widths = fitted(columns, needed, most - GAP.length * (columns.length - 1));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ isFigure }, index) => {
        const text = cutText(cells[index] ?? "", widths[index]!);
        const room = " ".repeat(widths[index]! - textWidth(text));
        return isFigure ? room + text : text + room;
      })
      .join(GAP)
      .trimEnd();
  return lines.map((cells) => `${line(cells)}\n`).join("");
}

/** The widths with which the columns take no more than there is, the widest cut first. */
function fitted(columns: readonly Column[], needed: readonly number[], most: number): number[] {
  const widths = [...needed];
  for (let over = sum(widths) - most; over > 0; over = sum(widths) - most) {
    const open = widths.map((width, index) => (columns[index]!.mayBeCut === true ? width : 0));
    const widest = Math.max(...open);
    if (widest <= CUT_WIDTH_MIN) break;
    const next = Math.max(CUT_WIDTH_MIN, ...open.filter((width) => width < widest));
    const together = open.filter((width) => width === widest).length;
    const width = Math.max(next, widest - Math.ceil(over / together));
    for (const [index, one] of open.entries()) if (one === widest) widths[index] = width;
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
