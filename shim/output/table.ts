import { printable } from "./printable";

/** A column of a table: its title, and whether its cells are figures, which stand at the right. */
export interface Column {
  title: string;
  isFigure?: boolean;
}

/** Cells under their titles, as narrow as they allow. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...shown.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ isFigure }, index) =>
        isFigure ? (cells[index] ?? "").padStart(widths[index]!) : (cells[index] ?? "").padEnd(widths[index]!),
      )
      .join("  ")
      .trimEnd();
  return `${[columns.map(({ title }) => title), ...shown].map((cells) => `${line(cells)}\n`).join("")}`;
}
