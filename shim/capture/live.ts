import type { Core } from "../../engine/core";
import { Failure } from "../failure";
import { refuseNoFilter } from "./filter/compile";
import { PcapCapture } from "./libpcap";
import { loadNative, type Native } from "./native";
import { NativeFeed } from "./native-feed";
import { captureByCap, loadCap } from "./npm-cap";
import { netRaw, PERMISSION_MEND } from "./permission";
import { RingCapture, type RingFeed, ringFilter, TAGS } from "./ring";

/** How packets are captured: by a ring of the kernel's (Linux), by libpcap, or by the npm package `cap`. */
export type CaptureMethod = "ring" | "libpcap" | "cap";

/** Bytes of packets that may wait in the kernel, unless told otherwise. */
export const RING_BYTES = 8 * 1024 * 1024;

/** What is captured, and how. */
export interface LiveOptions {
  /** A name, `any`, or patterns with commas between them. */
  interface: string;
  /** Taken in this way, or not at all; the best that there is unless given. */
  method?: CaptureMethod;
  /** A filter as tcpdump takes it; without libpcap, of its common words. */
  filter?: string;
  /** Bytes that are taken of each packet at most; all unless given. */
  snapBytes?: number;
  /** Whether what is not meant for this host is taken too. */
  promiscuous?: boolean;
  /** Bytes of packets that may wait in the kernel. */
  ringBytes: number;
  /** Whether nothing is let in until `keep` says of what time; takes a ring. */
  waits?: boolean;
}

/** What of a capture may change while it goes on. */
export type LiveChoice = Pick<LiveOptions, "interface" | "filter">;

/** A part of the packets' own time, ms since the epoch, from one to before the other. */
export interface TimeWindow {
  fromMs: number;
  untilMs: number;
}

/** Packets of interfaces on their way to a core. */
export interface LiveCapture {
  /** What captures, and what is lost by it. */
  readonly words: string;
  /** Whether it counts what the kernel drops. */
  readonly knowsDrops: boolean;
  /** Whether it opens an interface anew that went and came back, which takes the right to capture. */
  readonly reopens: boolean;
  /**
   * Lets in what another filter takes from now on, of these interfaces, and loses nothing by it; absent where that cannot be. False where
   * it takes another capture to have these interfaces. Throws Failure; either way nothing has changed.
   */
  choose?(choice: LiveChoice): boolean;
  /**
   * Hands over only packets of this time from now on, and lets them in where it waited; absent where that cannot be. Throws Failure where it
   * waited and the kernel does not take its filter.
   */
  keep?(window: TimeWindow): void;
  /** Hands over what was captured so far, and looks after interfaces that come and go. */
  refresh(): void;
  /** Hands over all that was captured until now. */
  close(): Promise<void>;
}

/** Sources of packets that are no network interfaces, whose link types are not understood. */
const OTHER_SOURCES = /^(bluetooth|dbus|nflog|nfqueue|usbmon)/;

/** What live capture takes where nothing that captures was built. */
export const NOTHING_BUILT =
  "live capture needs a C compiler once, or the optional npm package cap; " +
  "install one (Debian: apt-get install gcc libc6-dev), then run: npm run build";
/** What live capture takes where this user may not. */
const PERMISSION_MISSING = `capturing takes CAP_NET_RAW; run as root, or: ${PERMISSION_MEND}`;

/** The names of interfaces that packets can be captured on, and whether this user may. */
export async function captureDevices(): Promise<{ devices: string[]; problem?: string }> {
  if (netRaw()?.isEffective === false) return { devices: [], problem: PERMISSION_MISSING };
  const native = loadNative();
  if (native !== undefined && process.platform === "linux") return { devices: native.interfaces().map(({ name }) => name) };
  const Cap = native?.pcapVersion() === undefined ? await loadCap() : undefined;
  const names = native?.pcapVersion() !== undefined ? native.pcapDevices() : Cap?.deviceList().map(({ name }) => name);
  if (names === undefined) return { devices: [], problem: NOTHING_BUILT };
  return { devices: names.filter((name) => !OTHER_SOURCES.test(name)) };
}

/** Captures on interfaces in the best way that there is. Throws Failure. */
export async function captureLive(core: Core, options: LiveOptions, say: (line: string) => void): Promise<LiveCapture> {
  if (netRaw()?.isEffective === false) throw new Failure(PERMISSION_MISSING);
  const native = loadNative();
  const method = options.method ?? bestMethod(native, options);
  if (method === "ring") {
    if (native === undefined || process.platform !== "linux") throw new Failure(`${NOTHING_BUILT}; rings are Linux's alone`);
    return new RingCapture(native, new NativeFeed(native, core), options, say);
  }
  if (options.waits)
    throw new Failure("a capture takes over from another only by rings of the kernel's; start the agent anew for another method");
  if (method === "libpcap") {
    if (native === undefined) throw new Failure(NOTHING_BUILT);
    if (native.pcapVersion() === undefined) throw new Failure("libpcap is not installed (Debian: apt-get install libpcap0.8)");
    return new PcapCapture(native, core, options, say);
  }
  const Cap = await loadCap();
  if (Cap === undefined) throw new Failure(NOTHING_BUILT);
  return captureByCap(Cap, core, options);
}

/** Captures on interfaces through several rings, of which `feedOf` gives who reads them. Throws Failure. */
export function captureByRings<Feed extends RingFeed>(
  rings: number,
  feedOf: (native: Native) => Feed,
  options: LiveOptions,
  say: (line: string) => void,
): { capture: LiveCapture; feed: Feed } {
  if (netRaw()?.isEffective === false) throw new Failure(PERMISSION_MISSING);
  const native = loadNative();
  if (native === undefined || process.platform !== "linux")
    throw new Failure(`${NOTHING_BUILT}; several threads are Linux's alone`);
  refuseThreadsWithoutRings(options);
  const feed = feedOf(native);
  return { capture: new RingCapture(native, feed, options, say, rings), feed };
}

/** Refuses what nothing captures by, as far as no interface is opened for it. Throws Failure. */
export function refuseCapture({ method, filter }: Pick<LiveOptions, "method" | "filter">, threads: number): void {
  if (threads > 1) refuseThreadsWithoutRings({ method, filter });
  if (filter === undefined) return;
  const native = loadNative();
  if ((method ?? bestMethod(native, { filter })) === "ring") ringFilter(filter);
  // Without libpcap a capture through it fails for want of it, whatever the filter.
  else if (method === undefined || native?.pcapVersion() !== undefined) refuseNoFilter(filter, "interface");
}

/** Refuses what several threads cannot capture by: they share packets out among rings. Throws Failure. */
function refuseThreadsWithoutRings({ method, filter }: Pick<LiveOptions, "method" | "filter">): void {
  if (method === undefined ? !TAGS.test(filter ?? "") : method === "ring") return;
  throw new Failure("several threads take rings; leave --threads out with --capture libpcap or cap, and with filters of vlan", 2);
}

/** libpcap asks for VLAN tags in another way than the filter of a ring does. */
function bestMethod(native: Native | undefined, { filter }: Pick<LiveOptions, "filter">): CaptureMethod {
  const hasPcap = native?.pcapVersion() !== undefined;
  if (native !== undefined && process.platform === "linux") {
    return hasPcap && TAGS.test(filter ?? "") ? "libpcap" : "ring";
  }
  return hasPcap ? "libpcap" : "cap";
}
