import { createRequire } from "node:module";

/** A source of packets, kept by native/. */
export type NativeSource = { readonly native: unique symbol };

/** What is known of whose an end of a connection is; what is not known is absent. Outcomes are those of native/owner.h. */
export interface NativeOwner {
  outcome: number;
  /** Number of the user that the socket was opened by. */
  user?: number;
  /** Number of the socket's control group in the unified hierarchy. */
  cgroup?: number;
  /** Absent where it is one of several processes, of which the rest is true. */
  pid?: number;
  /** Since boot: with the pid this is one process for ever. */
  startTicks?: number;
  command?: string;
  /** The end of the path, where it is longer than a path is kept. */
  cgroupPath?: string;
}

/** What native/addon.c gives. Each throws where the system refuses, with the reason as its message. */
export interface Native {
  openRing(interfaceIndex: number, blockBytes: number, blocks: number, retireMs: number, program: Uint8Array): NativeSource;
  openPcap(
    device: string,
    snapLength: number,
    bufferBytes: number,
    timeoutMs: number,
    promiscuous: number,
    filter: string | undefined,
  ): NativeSource;
  /** Puts whole records into `into` as far as it reaches; gives their bytes, 0 when there are none. */
  read(source: NativeSource, into: Uint8Array): number;
  /** Since it was opened. */
  counts(source: NativeSource): [packets: number, dropped: number, freezes: number];
  /** Gives out only packets from one time to before another, ms since 1970 or Infinity, whichever thread reads. */
  keep(ring: NativeSource, fromMs: number, untilMs: number): void;
  /** An errno, 0 where all is well. */
  fault(source: NativeSource): number;
  /** Lets nothing more in, and gives the milliseconds within which what was taken can be read. */
  stop(source: NativeSource): number;
  close(source: NativeSource): void;
  /** Calls back once when there is something to read, and once more for each `arm`. */
  watch(source: NativeSource, callback: () => void): void;
  arm(source: NativeSource): void;
  setFilter(ring: NativeSource, program: Uint8Array): void;
  promiscuous(ring: NativeSource, interfaceIndex: number): void;
  /**
   * Puts a ring into a group of which each packet goes to one ring, by the number that the program answers. Makes a group where it is below
   * 0, whose program the later ones take over. Gives its number.
   */
  share(ring: NativeSource, group: number, program: Uint8Array): number;
  /** A number for which another thread of this process can borrow the source, once. */
  lend(source: NativeSource): number;
  /** Where nobody has borrowed it for this number, nobody can any more. */
  takeBack(source: NativeSource, lent: number): void;
  /** The source that is lent for this number. It is closed when all who have it have closed it. */
  borrow(lent: number): NativeSource;
  /** Has this thread keep its capabilities when it stops being root's (Linux). */
  keepCapabilities(): void;
  /** Leaves this thread the capabilities whose bits these are, and no way to any other (Linux). */
  limitCapabilities(kept: number): void;
  interfaces(): { name: string; index: number }[];
  /** Absent where libpcap is not installed. */
  pcapVersion(): string | undefined;
  pcapDevices(): string[];
  /** The instructions of a filter, by libpcap, for packets of a link type that come from an interface or out of a file. */
  compile(filter: string, linkType: number, isFile: number): Uint8Array;
  /** Begins to look at who opens connections, with a thread of its own; as often as it is opened it is to be closed. */
  openOwners(): void;
  closeOwners(): void;
  /**
   * Whose an end of a connection is: the opener's, or the socket's that listens. The time is that of the first packet. Undefined while
   * it is being looked for.
   */
  findOwner(
    isServer: number,
    protocol: number,
    local: Uint8Array,
    localPort: number,
    remote: Uint8Array,
    remotePort: number,
    interfaceIndex: number,
    seconds: number,
    nanoseconds: number,
  ): NativeOwner | undefined;
  /** Sends words to the service manager that listens at a path, or at `@name`, and does not wait for it. */
  notify(address: string, words: string): void;
  /** Lets go of pages of programs that are as their files have them; they come back when they are used (Linux). */
  dropProgramPages(): void;
}

/** What came of looking for native/: it, or why it is not there. */
type Found = { native: Native; platform: string } | { native?: undefined; reason: string };

let found: Found | undefined;

/** Loads native/; undefined where there is none for this platform. */
export function loadNative(): Native | undefined {
  return findNative().native;
}

/** Loads native/, and says for which platform it was built, or why there is none. */
export function findNative(): Found {
  found ??= find();
  return found;
}

function find(): Found {
  const reasons: string[] = [];
  for (const platform of platforms()) {
    try {
      return { native: createRequire(import.meta.url)(`../native/${platform}/tallywire.node`) as Native, platform };
    } catch (error) {
      // A file that is there and does not load says more than one that is not there.
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") reasons.push((error as Error).message);
    }
  }
  return { reason: reasons[0] ?? `none was built for ${platforms().join(" or ")}` };
}

/** The folders in which this platform's may lie: which C library there is shows when it is loaded. */
function platforms(): string[] {
  const host = `${process.platform}-${process.arch}`;
  return process.platform === "linux" ? [`${host}-glibc`, `${host}-musl`] : [host];
}
