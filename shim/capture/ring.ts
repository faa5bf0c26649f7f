import { constants } from "node:os";
import { Failure, reasonOf } from "../failure";
import { fanoutProgram } from "./fanout-program";
import { compileFilter, LINK_ETHERNET, LINK_RAW, NO_PACKET, noFilter, Refusal } from "./filter/compile";
import { InterfaceNames } from "./interface-names";
import type { LiveCapture, LiveChoice, LiveOptions, TimeWindow } from "./live";
import type { Native, NativeSource } from "./native";
import { type RingChoice, ringProgram } from "./ring-program";

/** A block holds the largest frame that the kernel puts together, 64 KiB with its headers. */
const BLOCK_BYTES = 1 << 17;
const RETIRE_MS = 10;
/** Keeps every packet out. */
const NOTHING = ringProgram({ interfaces: [] });
/** Network cards take VLAN tags out of the bytes before a filter of the ring sees them. */
export const TAGS = /\bvlan\b/;
const NOT_PROMISCUOUS = "does not take what is not meant for this host";
/** Tests of so many take half of the instructions that a program of the kernel's may have. */
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

/** What is let in. */
interface Choice {
  names: InterfaceNames;
  filter: RingChoice["filter"];
  /** Indexes that are listened on, where it is not all. */
  indexes: readonly number[];
}

/**
 * Captures through rings of the kernel's (Linux), on one interface or, through one socket, on all or on some of them. Several rings share
 * the packets out, so that all of a conversation are in one.
 */
export class RingCapture implements LiveCapture {
  readonly words: string;
  readonly knowsDrops = true;
  readonly reopens: boolean;
  private choice: Choice;
  /** What all rings have. */
  private program = NOTHING;
  /** The interface that a single name stands for is not there, or down. */
  private isAway = false;
  /** Interfaces have come that cannot be told apart from others, which was said. */
  private isBehind = false;
  /** Index of the interface that the socket is bound to, 0 for all. */
  private bound = 0;
  /** None where its interface has gone as it was opened again. */
  private sources: readonly NativeSource[] = [];
  private window: TimeWindow | undefined;
  private isWaiting: boolean;

  constructor(
    private readonly native: Native,
    private readonly feed: RingFeed,
    private readonly options: LiveOptions,
    private readonly say: (line: string) => void,
    private readonly rings = 1,
  ) {
    this.words = rings === 1 ? "a ring of the kernel's" : `${rings} rings of the kernel's, a thread each`;
    this.choice = { names: new InterfaceNames(options.interface), filter: ringFilter(options.filter), indexes: [] };
    this.reopens = this.names.single !== undefined;
    this.isWaiting = options.waits === true;
    this.begin();
    this.sayMissing();
  }

  choose({ interface: words, filter }: LiveChoice): boolean {
    if (TAGS.test(filter ?? "")) throw new Failure("what is said of VLAN tags takes libpcap, and so another start", 2);
    const names = new InterfaceNames(words);
    const isOther = words !== this.names.words;
    // A socket is bound to one interface or to none.
    if (isOther && (this.options.promiscuous || names.single !== undefined || this.names.single !== undefined)) return false;
    this.letIn({ names, filter: ringFilter(filter), indexes: isOther ? this.findFew(names) : this.choice.indexes });
    if (isOther) this.sayMissing();
    return true;
  }

  keep(window: TimeWindow): void {
    this.window = window;
    for (const source of this.sources) this.native.keep(source, window.fromMs, window.untilMs);
    if (!this.isWaiting) return;
    this.put(this.programOf(this.choice));
    this.isWaiting = false;
  }

  refresh(): void {
    this.feed.push();
    if (this.names.single !== undefined) this.refreshSingle(this.names.single);
    else if (!this.names.isAll || this.options.promiscuous) this.refreshChosen();
  }

  async close(): Promise<void> {
    await this.feed.end();
  }

  private get names(): InterfaceNames {
    return this.choice.names;
  }

  /** Lets in what another choice takes. Throws Failure, and nothing has changed. */
  private letIn(choice: Choice): void {
    if (!this.isWaiting) this.put(this.programOf(choice));
    this.choice = choice;
  }

  /** Has all rings take a program. Throws Failure where one does not, and all have the one before. */
  private put(program: Uint8Array): void {
    const changed: NativeSource[] = [];
    try {
      for (const source of this.sources) {
        this.native.setFilter(source, program);
        changed.push(source);
      }
    } catch (cause) {
      for (const source of changed) this.native.setFilter(source, this.program);
      throw new Failure(`the kernel does not take this filter: ${reasonOf(cause)}`, 1, { cause });
    }
    this.program = program;
  }

  /** Opens rings and has them read. Throws Failure, and none is open then. */
  private begin(): void {
    const sources = this.open();
    try {
      this.feed.open(sources);
    } catch (cause) {
      for (const source of sources) this.native.close(source);
      throw new Failure(`cannot read what is captured on ${this.names.words}: ${reasonOf(cause)}`, 1, { cause });
    }
    this.sources = sources;
  }

  private open(): NativeSource[] {
    const { single, words } = this.names;
    const indexes = this.findFew();
    if (single !== undefined && indexes.length === 0)
      throw new Failure(`there is no interface ${single} that packets can be captured on; tallywire interfaces lists them`);
    const bound = single === undefined ? 0 : indexes[0]!;
    const sources: NativeSource[] = [];
    try {
      const program = this.isWaiting ? NOTHING : this.programOf({ ...this.choice, indexes });
      // Of several nothing comes in until all are there.
      for (let ring = 0; ring < this.rings; ring++) sources.push(this.openRing(bound, this.rings === 1 ? program : NOTHING));
      if (this.rings > 1) this.share(sources, program);
      this.program = program;
      this.choice = { ...this.choice, indexes };
      this.bound = bound;
      this.makePromiscuous(sources[0]!, indexes);
      return sources;
    } catch (cause) {
      for (const source of sources) this.native.close(source);
      if (cause instanceof Failure) throw cause;
      throw new Failure(`cannot capture on ${words}: ${reasonOf(cause)}`, 1, { cause });
    }
  }

  private openRing(bound: number, program: Uint8Array): NativeSource {
    const blocks = Math.max(2, Math.round(this.options.ringBytes / BLOCK_BYTES));
    const source = this.native.openRing(bound, BLOCK_BYTES, blocks, RETIRE_MS, program);
    if (this.window !== undefined) this.native.keep(source, this.window.fromMs, this.window.untilMs);
    if (this.native.fault(source) === 0) return source;
    this.native.close(source);
    const { interface: name } = this.options;
    throw new Failure(`cannot capture on ${name}: it is down; ip link set ${name} up`);
  }

  /** Has rings share out the packets that a program takes. */
  private share(sources: readonly NativeSource[], program: Uint8Array): void {
    const shares = fanoutProgram();
    let group = -1;
    for (const source of sources) group = this.native.share(source, group, shares);
    for (const source of sources) this.native.setFilter(source, program);
  }

  /** The program of a choice. Throws Failure where it is longer than the kernel takes it. */
  private programOf({ names, filter, indexes }: Choice): Uint8Array {
    const interfaces = names.single !== undefined || names.isAll ? undefined : indexes;
    return ringProgram({ interfaces, filter, snapBytes: this.options.snapBytes });
  }

  private find(names = this.names, interfaces = this.native.interfaces()): number[] {
    return interfaces.filter(({ name }) => names.has(name)).map(({ index }) => index);
  }

  /** The same, to begin with. Throws Failure where they are too many. */
  private findFew(names = this.names): number[] {
    const found = this.find(names);
    if (found.length <= INTERFACES_MAX || names.isAll) return found;
    throw new Failure(`${found.length} interfaces are ${names.words}; at most ${INTERFACES_MAX} can be told apart, or take any`);
  }

  /** Names that stand for nothing may be misspelt, or come later. */
  private sayMissing(): void {
    const missing = this.names.missing(this.native.interfaces().map(({ name }) => name));
    if (missing.length > 0) this.say(`there is no interface ${missing.join(" or ")} yet; capturing begins when there is`);
  }

  private makePromiscuous(source: NativeSource, indexes: readonly number[]): void {
    if (!this.options.promiscuous) return;
    for (const index of indexes) {
      try {
        this.native.promiscuous(source, index);
      } catch (error) {
        this.say(`interface number ${index} ${NOT_PROMISCUOUS}: ${reasonOf(error)}`);
      }
    }
  }

  /**
   * A device that is only down keeps its socket. When it is gone, another with its name takes a new one, or it itself where it is back from
   * another namespace; at the earliest a refresh later: then the kernel has handed over all that the old one had.
   */
  private refreshSingle(name: string): void {
    if (!this.isAway) {
      if (this.feed.takeFault() === 0) return;
      this.isAway = true;
      this.say(`interface ${name} is gone or down; capturing goes on when it is back`);
      return;
    }
    if (!this.isUp()) return;
    const isLost = this.sources.length === 0 || this.feed.takeFault() === constants.errno.ENODEV;
    if ((isLost || this.find()[0] !== this.bound) && !this.reopen()) return;
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
    this.sources = [];
    try {
      this.begin();
    } catch (error) {
      if (error instanceof Failure) return false;
      throw error;
    }
    return true;
  }

  /** Listens on interfaces that came, and forgets those that went. */
  private refreshChosen(): void {
    const interfaces = this.native.interfaces();
    // Loopback is always there: where nothing is, the system could not list them.
    if (interfaces.length === 0) return;
    const { names, indexes: before } = this.choice;
    const found = this.find(names, interfaces).slice(0, INTERFACES_MAX);
    const came = found.filter((index) => !before.includes(index));
    if (came.length === 0 && found.length === before.length) return;
    try {
      this.letIn({ ...this.choice, indexes: found });
      this.isBehind = false;
    } catch (error) {
      if (!this.isBehind) this.say(`interfaces that came are not captured on: ${reasonOf(error)}`);
      this.isBehind = true;
      return;
    }
    this.makePromiscuous(this.sources[0]!, came);
    this.say(`capturing on ${found.length === 1 ? "1 interface" : `${found.length} interfaces`} that are ${this.names.words}`);
  }
}

/** Whether a line that was said is of an interface that cannot be promiscuous. */
export function isOfPromiscuous(line: string): boolean {
  return line.includes(NOT_PROMISCUOUS);
}

/** A filter for both kinds of packets that a ring brings. What is said of links alone holds of no packet without one. Throws Failure. */
export function ringFilter(text: string | undefined): RingChoice["filter"] {
  if (text === undefined) return undefined;
  const [ethernet, raw] = [LINK_ETHERNET, LINK_RAW].map((linkType) => compileFilter(text, linkType, "interface"));
  if (ethernet instanceof Refusal) throw noFilter(text, ethernet);
  const filter = { ethernet: ethernet!, raw: raw instanceof Refusal ? NO_PACKET : raw! };
  // What is too long for all interfaces is so for any.
  ringProgram({ filter });
  return filter;
}
