import { setTimeout as sleep } from "node:timers/promises";
import type { Core } from "../../engine/core";
import { Failure } from "../failure";
import { printable } from "../output/printable";
import { feedCapture } from "./capture-reader";
import type { FileFilter } from "./filter/file-filter";
import { captureLive, RING_BYTES } from "./live";
import type { OwnNetworks } from "./own-networks";
import { type Account, accountFor, becomeAccount } from "./privileges";
import { untilSignal } from "./signals";

/** Where packets come from: an interface, or one capture. */
export interface SessionSource {
  /** A name, several with patterns, or `any`. */
  interface?: string;
  /** A capture file, `-` for standard input. */
  read?: string;
  /** Packets that are captured at all, as tcpdump's filters say it. */
  captureFilter?: string;
  /** Bytes that are taken of each packet of an interface at most; 0 for all. */
  snapshotLength?: number;
  /** MiB of packets of an interface that may wait in the kernel; the usual ring unless given. */
  ring?: number;
  /** Who the program becomes once it captures, as NAME or NAME:GROUP. */
  user?: string;
  /** How long an interface is looked at, ms; until somebody ends it unless given. */
  time?: number;
}

/** How often what was captured is shown, ms, and how often an idle host's clock is told. */
const TURN_MS = 100;
const TICK_MS = 1000;
const MIB = 1 << 20;

/** Says a line to the person at the terminal. */
export function say(line: string): void {
  process.stderr.write(`tallywire: ${printable(line)}\n`);
}

/**
 * One run of a command over one source, until it ends or somebody wants to end it (signals.ts).
 */
export class CaptureSession {
  /** Whether the capture could not be read to its end. */
  failed = false;
  /** Whether the kernel says what it dropped; undefined of a file, which may say so itself. */
  knowsDrops: boolean | undefined;
  private readonly ending = new AbortController();
  private readonly account: Account | undefined;

  /** Of a file, `filter` is the one that the core asks; of an interface, `ownNetworks` are followed. Throws Failure where there is not just one source. */
  constructor(
    private readonly core: Core,
    private readonly source: SessionSource,
    private readonly parts: { filter?: FileFilter | undefined; ownNetworks?: OwnNetworks | undefined } = {},
  ) {
    if (source.interface !== undefined && source.read !== undefined) throw new Failure("give -i or -r, not both", 2);
    if (source.interface === undefined && source.read === undefined)
      throw new Failure("name an interface with -i or a capture with -r; tallywire interfaces lists what there is", 2);
    if (source.read !== undefined && source.snapshotLength !== undefined)
      throw new Failure("-s cuts packets as they are captured: leave it out with -r", 2);
    if (source.read !== undefined && source.ring !== undefined)
      throw new Failure("--ring is for packets of an interface: leave it out with -r", 2);
    if (source.read !== undefined && source.time !== undefined)
      throw new Failure("--time ends a look at an interface: leave it out with -r, which ends with the capture", 2);
    this.account = accountFor(source.user, source.interface !== undefined);
  }

  /** Feeds the core, with a call of `turn` between pieces, as long as that answers true. Throws Failure. */
  async run(turn: () => Promise<boolean>): Promise<void> {
    const end = () => {
      this.end();
      if (this.source.read === "-") process.stdin.destroy();
    };
    const goesOn = async () => (await turn()) && !this.isOver;
    await untilSignal(end, async () => {
      if (this.source.read !== undefined) await this.readFile(this.source.read, goesOn);
      else await this.readInterface(this.source.interface!, goesOn);
    });
    this.core.flush();
  }

  /** Ends it after the piece in hand. */
  end(): void {
    this.ending.abort();
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  private async readFile(path: string, goesOn: () => Promise<boolean>): Promise<void> {
    const { failure, warning } = await feedCapture(this.core, path, goesOn, this.parts.filter);
    this.failed = failure !== undefined;
    const words = failure ?? warning;
    if (words) say(words);
  }

  private async readInterface(name: string, goesOn: () => Promise<boolean>): Promise<void> {
    const { captureFilter: filter, snapshotLength, ring, time } = this.source;
    const ringBytes = ring === undefined ? RING_BYTES : ring * MIB;
    const live = { interface: name, filter, snapBytes: snapshotLength || undefined, ringBytes };
    const capture = await captureLive(this.core, live, say);
    this.knowsDrops = capture.knowsDrops;
    if (this.account !== undefined) say(becomeAccount(this.account, { mayCapture: capture.reopens }));
    say(`watching ${name}; captured through ${capture.words}`);
    const timer = time === undefined ? undefined : setTimeout(() => this.end(), time);
    const { ownNetworks } = this.parts;
    // By a clock that nobody sets.
    let tickedMs = Number.NEGATIVE_INFINITY;
    while (await goesOn()) {
      await sleep(TURN_MS, undefined, { signal: this.ending.signal }).catch(() => {});
      capture.refresh();
      const steadyMs = performance.now();
      if (steadyMs - tickedMs < TICK_MS) continue;
      tickedMs = steadyMs;
      if (ownNetworks?.changes()) this.core.setHostNetworks(ownNetworks.current);
      this.core.tickAt(Date.now());
    }
    clearTimeout(timer);
    await capture.close();
  }
}
