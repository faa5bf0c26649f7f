import { eastAsianWidth } from "get-east-asian-width";

/** What stands on the character before it. */
const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const ELLIPSIS = "…";
const ASCII = /^[\x20-\x7e]*$/;

/** Columns of a terminal that a character takes. */
function characterWidth(character: string): number {
  return COMBINING.test(character) ? 0 : eastAsianWidth(character.codePointAt(0)!);
}

/** Columns of a terminal that a text takes: those of East Asia are two wide. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  return [...text].reduce((width, character) => width + characterWidth(character), 0);
}

/** A text in so many columns at the most, with an ellipsis where it does not end. */
export function cutText(text: string, most: number): string {
  if (textWidth(text) <= most) return text;
  let left = most - 1;
  const kept: string[] = [];
  for (const character of text) {
    left -= characterWidth(character);
    if (left < 0) break;
    kept.push(character);
  }
  return kept.join("") + ELLIPSIS;
}
