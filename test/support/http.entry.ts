/** Pieces of HTTP opened to tests: path templates and the searches with their scalar twins. */

import { lowerText, lowerTextScalar, sameText, sameTextScalar } from "../../assembly/bytes/ascii";
import { Window } from "../../assembly/bytes/window";
import { Line } from "../../assembly/protocols/http/scan";
import { pathTemplate, pathTemplateScalar, Template } from "../../assembly/protocols/shared/template";

export {
  findByte,
  findByteScalar,
  findControl,
  findControlScalar,
  findLineEnd,
  findLineEndScalar,
} from "../../assembly/protocols/http/scan";
export { lowerText, lowerTextScalar };

/** Where `findLineEnd` saw the first colon. */
export function colon(): u32 {
  return Line.colon;
}

const TEXT = "a-header-name-of-thirty-eight-letters!";

/** Whether `length` bytes at `start` are that many of a-header-name-of-thirty-eight-letters!, read by sixteen or a byte at a time. */
export function same(start: usize, length: u32, scalar: bool): bool {
  if (length == 4) return scalar ? sameTextScalar(start, length, "a-he") : sameText(start, length, "a-he");
  if (length == 16)
    return scalar ? sameTextScalar(start, length, "a-header-name-of") : sameText(start, length, "a-header-name-of");
  return scalar ? sameTextScalar(start, length, TEXT) : sameText(start, length, TEXT);
}

/** Opens the window over `length` bytes at the address that it answers. */
export function open(length: u32): usize {
  const start = __heap_base + 64;
  Window.open(start, length);
  Template.open();
  return start;
}

/** Makes the template of the path of `length` bytes at `start`, by sixteen or a byte at a time; answers its length. */
export function template(start: usize, length: u32, scalar: bool): u32 {
  if (scalar) pathTemplateScalar(start, length);
  else pathTemplate(start, length);
  return Template.length;
}

/** Where the template lies. */
export function templateStart(): usize {
  return Template.start;
}
