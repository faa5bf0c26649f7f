import type { Core } from "../../engine/core";
import { Failure, reasonOf } from "../failure";
import { compileFilter } from "./filter";
import { InterfaceNames } from "./interface-names";
import type { LiveCapture, LiveOptions } from "./live";
import type { Native, NativeSource } from "./native";
import { NativeFeed } from "./native-feed";
import { type RingChoice, ringProgram } from "./ring-program";

/** A block holds the largest frame that the kernel puts together, 64 KiB with its headers. */
const BLOCK_BYTES = 1 << 17;
const RETIRE_MS = 10;
const LINK_ETHERNET = 1;
/** DLT_RAW of Linux. */
const LINK_RAW = 12;
/** So many tests fit into a program of the kernel beside any filter. */
const INTERFACES_MAX = 1000;

/** Captures through a ring of the kernel's (Linux), on one interface or, through one socket, on all or on some of them. */
export class RingCapture implements LiveCapture {
  readonly words = "a ring of the kernel's";
  readonly knowsDrops = true;
  private readonly names: InterfaceNames;
  private readonly feed: NativeFeed;
  private readonly filter: RingChoice["filter"];
  /** The interface that a single name stands for is not there, or down. */
  private isAway = false;
  /** Indexes that are listened on, where it is not all. */
  private chosen: number[] = [];
  /** Index of the interface that the socket is bound to, 0 for all. */
  private bound = 0;
  private source: NativeSource;

  constructor(
    private readonly native: Native,
    core: Core,
    private readonly options: LiveOptions,
    private readonly say: (line: string) => void,
  ) {
    this.names = new InterfaceNames(options.interface);
    const compile = (linkType: number) => compileFilter(native, options.filter!, linkType);
    if (options.filter !== undefined) this.filter = { ethernet: compile(LINK_ETHERNET), raw: compile(LINK_RAW) };
    this.source = this.open();
    const fault = native.fault(this.source);
    if (fault !== 0) {
      native.close(this.source);
      throw new Failure(`cannot capture on ${options.interface}: it is down; ip link set ${options.interface} up`);
    }
    this.feed = new NativeFeed(native, core);
    this.feed.open(this.source);
  }

  refresh(): void {
    this.feed.push();
    if (this.names.single !== undefined) this.refreshSingle(this.names.single);
    else if (!this.names.isAll || this.options.promiscuous) this.refreshChosen();
  }

  async close(): Promise<void> {
    await this.feed.end();
  }

  private open(): NativeSource {
    const { single, isAll, words } = this.names;
    this.chosen = this.find();
    if (single !== undefined && this.chosen.length === 0)
      throw new Failure(`there is no interface ${single} that packets can be captured on; tallywire interfaces lists them`);
    if (this.chosen.length > INTERFACES_MAX && !isAll)
      throw new Failure(
        `${this.chosen.length} interfaces are ${words}; at most ${INTERFACES_MAX} can be told apart, or take any`,
      );
    const blocks = Math.max(2, Math.round(this.options.ringBytes / BLOCK_BYTES));
    try {
      const bound = single === undefined ? 0 : this.chosen[0]!;
      const source = this.native.openRing(bound, BLOCK_BYTES, blocks, RETIRE_MS, this.program);
      this.bound = bound;
      this.makePromiscuous(source, this.chosen);
      return source;
    } catch (cause) {
      throw new Failure(`cannot capture on ${words}: ${reasonOf(cause)}`, 1, { cause });
    }
  }

  private get program(): Uint8Array {
    const { single, isAll } = this.names;
    return ringProgram({ interfaces: single !== undefined || isAll ? undefined : this.chosen, filter: this.filter });
  }

  private find(): number[] {
    return this.native
      .interfaces()
      .filter(({ name }) => this.names.has(name))
      .map(({ index }) => index);
  }

  private makePromiscuous(source: NativeSource, indexes: readonly number[]): void {
    if (!this.options.promiscuous) return;
    for (const index of indexes) {
      try {
        this.native.promiscuous(source, index);
      } catch (error) {
        this.say(`interface number ${index} does not take what is not meant for this host: ${reasonOf(error)}`);
      }
    }
  }

  /**
   * A device that is only down keeps its socket. When it is gone, another with its name takes a new one, at the earliest a refresh later:
   * then the kernel has handed over all that the old one had.
   */
  private refreshSingle(name: string): void {
    if (!this.isAway) {
      if (this.feed.takeFault() === 0) return;
      this.isAway = true;
      this.say(`interface ${name} is gone or down; capturing goes on when it is back`);
      return;
    }
    if (!this.isUp()) return;
    if (this.find()[0] !== this.bound && !this.reopen()) return;
    this.feed.takeFault();
    this.isAway = false;
    this.say(`interface ${name} is back`);
  }

  /** Whether the interface is there and up: a socket that is bound to one that is down has a fault. */
  private isUp(): boolean {
    const [index] = this.find();
    if (index === undefined) return false;
    try {
      const probe = this.native.openRing(index, BLOCK_BYTES, 2, RETIRE_MS, ringProgram({ interfaces: [] }));
      const fault = this.native.fault(probe);
      this.native.close(probe);
      return fault === 0;
    } catch {
      // It has gone meanwhile.
      return false;
    }
  }

  /** Takes a new socket; false where the interface has gone again meanwhile. */
  private reopen(): boolean {
    this.feed.drop();
    try {
      this.source = this.open();
    } catch (error) {
      if (error instanceof Failure) return false;
      throw error;
    }
    this.feed.open(this.source);
    return true;
  }

  /** Listens on interfaces that came, and forgets those that went. */
  private refreshChosen(): void {
    const found = this.find().slice(0, INTERFACES_MAX);
    const came = found.filter((index) => !this.chosen.includes(index));
    if (came.length === 0 && found.length === this.chosen.length) return;
    this.chosen = found;
    this.native.setFilter(this.source, this.program);
    this.makePromiscuous(this.source, came);
    this.say(`capturing on ${found.length === 1 ? "1 interface" : `${found.length} interfaces`} that are ${this.names.words}`);
  }
}
