import { networkInterfaces } from "node:os";
import type { Core } from "../../engine/core";
import { Failure } from "../failure";
import { PcapCapture } from "./libpcap";
import { loadNative, type Native } from "./native";
import { NativeFeed } from "./native-feed";
import { captureByCap, loadCap } from "./npm-cap";
import { netRaw, PERMISSION_MEND } from "./permission";
import { RingCapture, type RingFeed, TAGS } from "./ring";

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
}

/** Packets of interfaces on their way to a core. */
export interface LiveCapture {
  /** What captures, and what is lost by it. */
  readonly words: string;
  /** Whether it counts what the kernel drops. */
  readonly knowsDrops: boolean;
  /** Whether it opens an interface anew that went and came back, which takes the right to capture. */
  readonly reopens: boolean;
  /** Lets in what another filter takes from now on, and loses nothing by it; absent where that cannot be. Throws Failure. */
  refilter?(filter: string | undefined): void;
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
  if ((options.method ?? bestMethod(native, options)) !== "ring")
    throw new Failure(
      "several threads take rings; leave --threads out with --capture libpcap or cap, and with filters of vlan",
      2,
    );
  const feed = feedOf(native);
  return { capture: new RingCapture(native, feed, options, say, rings), feed };
}

/** libpcap asks for VLAN tags in another way than the filter of a ring does. */
function bestMethod(native: Native | undefined, { filter }: LiveOptions): CaptureMethod {
  const hasPcap = native?.pcapVersion() !== undefined;
  if (native !== undefined && process.platform === "linux") {
    return hasPcap && TAGS.test(filter ?? "") ? "libpcap" : "ring";
  }
  return hasPcap ? "libpcap" : "cap";
}

/** This host's own addresses as networks, which tell in from out. */
export function ownNetworks(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const networks = addresses.map(({ address, family }) => `${address.replace(/%.*$/, "")}/${family === "IPv6" ? 128 : 32}`);
  return [...new Set(networks)].slice(0, 64);
}
