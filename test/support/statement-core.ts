/** The reader of statements alone, without the messages that they come in (statement.entry.ts). */
import module from "../../build/test/statement.wasm";
import { instantiate } from "./instantiate";

interface Exports {
  memory: WebAssembly.Memory;
  staging(): number;
  read(length: number, dialect: number, escapes: number, scalar: number, times: number, charset: number): number;
  quote(length: number, byte: number, escapes: number, scalar: number): number;
  keepRaw(raw: number): void;
  made(): number;
  text(): number;
  textLength(): number;
}

/** A reader of statements, which keeps nothing between two. */
export function statementCore(): Exports {
  return instantiate<Exports>(module);
}
