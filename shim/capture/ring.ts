import { Failure, reasonOf } from "../failure";
import { fanoutProgram } from "./fanout-program";
import { compileFilter, LINK_ETHERNET, LINK_RAW, NO_PACKET, noFilter, Refusal } from "./filter/compile";
import { InterfaceNames } from "./interface-names";
import type { LiveCapture, LiveOptions } from "./live";
import type { Native, NativeSource } from "./native";
import { type RingChoice, ringProgram } from "./ring-program";

/** A block holds the largest frame that the kernel puts together, 64 KiB with its headers. */
const BLOCK_BYTES = 1 << 17;
const RETIRE_MS = 10;
/** Keeps every packet out. */
const NOTHING = ringProgram({ interfaces: [] });
/** Network cards take VLAN tags out of the bytes before a filter of the ring sees them. */
export const TAGS = /\bvlan\b/;
/** So many tests fit into a program of the kernel beside any filter. */
const INTERFACES_MAX = 1000;

/** Where the packets of rings go: into one core, or each ring's into that of a thread. */
export interface RingFeed {
  /** Reads from these from now on, as many as it has cores. */
  open(sources: readonly NativeSource[]): void;
  /** What went wrong with one of them since this was last asked, as an errno; 0 where all is well. */
  takeFault(): number;
  /** Hands over what was captured and dropped so far. */
  push(): void;
  /** Hands over what is there and lets the sources go. */
  drop(): void;
  /** Lets nothing more in, waits for what the kernel still holds, and ends. */
  end(): Promise<void>;
}

/**
 * Captures through rings of the kernel's (Linux), on one interface or, through one socket, on all or on some of them. Several rings share
 * the packets out, so that all of a conversation are in one.
 */
export class RingCapture implements LiveCapture {
  readonly words: string;
  readonly knowsDrops = true;
  readonly reopens: boolean;
  private readonly names: InterfaceNames;
  private filter: RingChoice["filter"];
  /** The interface that a single name stands for is not there, or down. */
  private isAway = false;
  /** Indexes that are listened on, where it is not all. */
  private chosen: number[] = [];
  /** Index of the interface that the socket is bound to, 0 for all. */
  private bound = 0;
  private sources: readonly NativeSource[];

  constructor(
    private readonly native: Native,
    private readonly feed: RingFeed,
    private readonly options: LiveOptions,
    private readonly say: (line: string) => void,
    private readonly rings = 1,
  ) {
    this.words = rings === 1 ? "a ring of the kernel's" : `${rings} rings of the kernel's, a thread each`;
    this.names = new InterfaceNames(options.interface);
    this.reopens = this.names.single !== undefined;
    this.filter = ringFilter(options.filter);
    this.sources = this.open();
    this.feed.open(this.sources);
  }

  refilter(filter: string | undefined): void {
    if (TAGS.test(filter ?? "")) throw new Failure("what is said of VLAN tags takes libpcap, and so another start", 2);
    this.filter = ringFilter(filter);
    for (const source of this.sources) this.native.setFilter(source, this.program);
  }

  refresh(): void {
    this.feed.push();
    if (this.names.single !== undefined) this.refreshSingle(this.names.single);
    else if (!this.names.isAll || this.options.promiscuous) this.refreshChosen();
  }

  async close(): Promise<void> {
    await this.feed.end();
  }

  private open(): NativeSource[] {
    const { single, isAll, words } = this.names;
    this.chosen = this.find();
    if (single !== undefined && this.chosen.length === 0)
      throw new Failure(`there is no interface ${single} that packets can be captured on; tallywire interfaces lists them`);
    if (this.chosen.length > INTERFACES_MAX && !isAll)
      throw new Failure(
        `${this.chosen.length} interfaces are ${words}; at most ${INTERFACES_MAX} can be told apart, or take any`,
      );
    const bound = single === undefined ? 0 : this.chosen[0]!;
    const sources: NativeSource[] = [];
    try {
      for (let ring = 0; ring < this.rings; ring++) sources.push(this.openRing(bound));
      if (this.rings > 1) this.share(sources);
      this.bound = bound;
      this.makePromiscuous(sources[0]!, this.chosen);
      return sources;
    } catch (cause) {
      for (const source of sources) this.native.close(source);
      if (cause instanceof Failure) throw cause;
      throw new Failure(`cannot capture on ${words}: ${reasonOf(cause)}`, 1, { cause });
    }
  }

  /** A ring; of several nothing comes in until all are there. */
  private openRing(bound: number): NativeSource {
    const blocks = Math.max(2, Math.round(this.options.ringBytes / BLOCK_BYTES));
    const program = this.rings === 1 ? this.program : NOTHING;
    const source = this.native.openRing(bound, BLOCK_BYTES, blocks, RETIRE_MS, program);
    if (this.native.fault(source) === 0) return source;
    this.native.close(source);
    const { interface: name } = this.options;
    throw new Failure(`cannot capture on ${name}: it is down; ip link set ${name} up`);
  }

  /** Has rings share the packets out. */
  private share(sources: readonly NativeSource[]): void {
    const program = fanoutProgram();
    let group = -1;
    for (const source of sources) group = this.native.share(source, group, program);
    for (const source of sources) this.native.setFilter(source, this.program);
  }

  private get program(): Uint8Array {
    const { single, isAll } = this.names;
    const interfaces = single !== undefined || isAll ? undefined : this.chosen;
    return ringProgram({ interfaces, filter: this.filter, snapBytes: this.options.snapBytes });
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
      const probe = this.native.openRing(index, BLOCK_BYTES, 2, RETIRE_MS, NOTHING);
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
      this.sources = this.open();
    } catch (error) {
      if (error instanceof Failure) return false;
      throw error;
    }
    this.feed.open(this.sources);
    return true;
  }

  /** Listens on interfaces that came, and forgets those that went. */
  private refreshChosen(): void {
    const found = this.find().slice(0, INTERFACES_MAX);
    const came = found.filter((index) => !this.chosen.includes(index));
    if (came.length === 0 && found.length === this.chosen.length) return;
    this.chosen = found;
    for (const source of this.sources) this.native.setFilter(source, this.program);
    this.makePromiscuous(this.sources[0]!, came);
    this.say(`capturing on ${found.length === 1 ? "1 interface" : `${found.length} interfaces`} that are ${this.names.words}`);
  }
}

/** A filter for both kinds of packets that a ring brings. What is said of links alone holds of no packet without one. Throws Failure. */
function ringFilter(text: string | undefined): RingChoice["filter"] {
  if (text === undefined) return undefined;
  const [ethernet, raw] = [LINK_ETHERNET, LINK_RAW].map((linkType) => compileFilter(text, linkType, "interface"));
  if (ethernet instanceof Refusal) throw noFilter(text, ethernet);
  return { ethernet: ethernet!, raw: raw instanceof Refusal ? NO_PACKET : raw! };
}
