/** A core that does not speak this program's ABI is refused, before anything else is asked of it. */
import { expect, test } from "vitest";
import core from "../../build/core.wasm";
import otherAbi from "../../build/test/other-abi.wasm";
import otherImports from "../../build/test/other-imports.wasm";
import noCore from "../../build/test/sketches.wasm";
import { ABI_VERSION, Core, CoreError } from "../../engine/core";

/** What is said of a module that is refused. */
function refusalOf(module: WebAssembly.Module): string {
  try {
    new Core(module);
  } catch (error) {
    if (error instanceof CoreError) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

test("ours is taken, and its schema has the same number", () => {
  expect(new Core(core).schema.abi).toBe(ABI_VERSION);
});

test("another number is named", () => {
  expect(refusalOf(otherAbi)).toBe(`the core speaks ABI 4000000001, this program ${ABI_VERSION}; build both together`);
});

test("a core that needs more of its host is refused with our number, as its own cannot be asked", () => {
  expect(refusalOf(otherImports)).toBe(
    `the core asks for what this program, of ABI ${ABI_VERSION}, does not give; build both together`,
  );
});

test("what is no core at all is said to be none", () => {
  expect(refusalOf(noCore)).toBe("this WebAssembly module is no core of tallywire");
});
