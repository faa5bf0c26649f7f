/** Pieces of HTTP opened to tests: path templates and the searches with their scalar twins. */
import { Window } from "../../assembly/bytes/window";
import { pathTemplate, Template } from "../../assembly/protocols/shared/template";

export { findByte, findByteScalar, findControl, findControlScalar } from "../../assembly/protocols/http/scan";

/** Opens the window over `length` bytes at the address that it answers. */
export function open(length: u32): usize {
  const start = __heap_base + 64;
  Window.open(start, length);
  Template.open();
  return start;
}

/** Makes the template of the path of `length` bytes at `start`; answers its length. */
export function template(start: usize, length: u32): u32 {
  pathTemplate(start, length);
  return Template.length;
}

/** Where the template lies. */
export function templateStart(): usize {
  return Template.start;
}
