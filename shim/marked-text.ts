/** A longer text than this is not shown with its fault, as it would not fit a line. */
const SHOWN_MAX = 200;

/** Lines that show a text and where it is wrong, at a column from 1; none where it does not fit a line. */
export function markedText(text: string, column: number): string[] {
  if (text.length > SHOWN_MAX || /[\t\n\r]/.test(text)) return [];
  return [`  ${text}`, `  ${" ".repeat(column - 1)}^`];
}
