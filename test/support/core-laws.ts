/** What the whole core owes to any capture, whatever is wrong with it. */
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { type CorpusFile, corpusBytes } from "./corpus";
import { PacketPath } from "./packets";
import { recordLengths } from "./record-lengths";
import { type Outcome, type Way, WholeCore } from "./whole-core";

/** How long a capture may take: many times what the slowest needs, so that only what hangs or grows with the square is found. */
const TIME_MAX_MS = 500;
const TIME_MAX_MS_PER_BYTE = 1e-3;
const TRIES_MAX = 3;

/** How many times as often each file is tried as in the usual run. */
export const ROUNDS = Number(process.env.TALLYWIRE_LAW_ROUNDS ?? 1);

/** Content of a capture, inflated. Not a Buffer, whose slices share its memory. */
export function captureBytes({ file, format }: CorpusFile): Uint8Array {
  return new Uint8Array(format.startsWith("gz:") ? gunzipSync(corpusBytes(file)) : corpusBytes(file));
}

/** Holds captures to the laws. */
export class Laws {
  private usable = new WholeCore();
  private readonly path = new PacketPath();

  /** Takes a capture in. A core that has trapped is not used again. */
  run(bytes: Uint8Array, way?: Way): Outcome {
    const core = this.usable;
    this.usable = undefined as never;
    try {
      const outcome = core.run(bytes, way);
      this.usable = core;
      return outcome;
    } finally {
      this.usable ??= new WholeCore();
    }
  }

  /**
   * Reads a capture twice, with different bytes in free memory and behind each record, and gives what came out both times: each
   * packet counted, in bundles that a hub takes, within bounded time.
   */
  keptBy(name: string, bytes: Uint8Array, poisons: [number, number] = [0x00, 0xff], way: Way = {}): Outcome {
    const [one, other] = poisons.map((poison) => {
      const lengths = recordLengths(bytes);
      return this.timely(name, bytes.length, () =>
        this.run(bytes, { ...way, poison, chunk: () => lengths.next().value ?? 1 << 18 }),
      );
    });
    expect(one, name).toEqual(other);
    expect(one!.fault, name).toBe(0);
    const { count, untimed } = this.path.run(bytes);
    expect(one!.packets, name).toBe(count.packets - untimed);
    return one!;
  }

  /** Runs until it was quick enough, a few times at most: something else may have had the processor. */
  private timely<T>(name: string, bytes: number, run: () => T): T {
    const most = TIME_MAX_MS + bytes * TIME_MAX_MS_PER_BYTE;
    for (let tries = 1; ; tries++) {
      const from = performance.now();
      const result = run();
      const took = performance.now() - from;
      if (took <= most) return result;
      if (tries === TRIES_MAX) expect.fail(`${name}: ${bytes} bytes took ${took.toFixed(0)} ms`);
    }
  }
}
