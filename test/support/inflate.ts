/** The core's inflate, called from outside: all of it at once, or by pieces. */
import module from "../../build/test/inflate.wasm";
import { instantiate } from "./instantiate";

interface Exports {
  memory: WebAssembly.Memory;
  create(): number;
  open(start: number, length: number): number;
  proceed(limit: number): number;
  held(): number;
  slide(): number;
  adler32(sum: number, start: number, length: number): number;
}

const core = instantiate<Exports>(module);
const input = core.create();
const OUTCOMES = ["done", "full", "truncated", "bad"] as const;
/** Bytes that a call may write behind its limit. */
const SLACK_BYTES = 258 + 8;
const WINDOW_BYTES = 1 << 20;

/** How it ended, and what came out. */
export interface Inflated {
  outcome: (typeof OUTCOMES)[number];
  content: Buffer;
}

function view(start: number, length: number): Uint8Array {
  return new Uint8Array(core.memory.buffer, start, length);
}

/** Puts `packed` among bytes of value `poison`, which also fill the window. */
function put(packed: Uint8Array, poison: number): number {
  view(input, packed.length + 64).fill(poison);
  view(input, packed.length).set(packed);
  const window = core.open(input, packed.length);
  view(window, WINDOW_BYTES).fill(poison);
  return window;
}

/** Inflates up to `limit` bytes in one call. */
export function inflateWhole(packed: Uint8Array, limit = 1 << 19, poison = 0): Inflated {
  const window = put(packed, poison);
  const outcome = OUTCOMES[core.proceed(limit)]!;
  const held = core.held();
  if (held > limit + SLACK_BYTES) throw new Error(`${held} bytes came out, at a limit of ${limit}`);
  const behind = view(window + limit + SLACK_BYTES, 4096);
  if (behind.some((byte) => byte !== poison)) throw new Error("bytes were written behind the window");
  return { outcome, content: Buffer.from(view(window, held)) };
}

/** Inflates all of it, `limit` bytes in the window at a time. */
export function inflateByPieces(packed: Uint8Array, limit: number): Inflated {
  const window = put(packed, 0);
  const parts: Buffer[] = [];
  let from = 0;
  for (;;) {
    const outcome = OUTCOMES[core.proceed(limit)]!;
    parts.push(Buffer.from(view(window + from, core.held() - from)));
    if (outcome !== "full") return { outcome, content: Buffer.concat(parts) };
    core.slide();
    from = core.held();
  }
}

/** The Adler-32 of some bytes, `step` at a time. */
export function adler32(bytes: Uint8Array, step = bytes.length): number {
  view(input, bytes.length).set(bytes);
  let sum = 1;
  for (let at = 0; at < bytes.length; at += step) sum = core.adler32(sum, input + at, Math.min(step, bytes.length - at));
  return sum >>> 0;
}
