import { networkInterfaces } from "node:os";
import { HOST_NETWORKS_MAX } from "../../engine/settings";

/** How long this host's addresses are taken for what they were, ms. */
const KEPT_MS = 2000;
/** An address of its link alone (RFC 4291 section 2.5.6), of which a host has one for each interface, however many these are. */
const LINK_LOCAL = /^fe[89ab]/i;

/**
 * This host's addresses as networks, which tell in from out, while nobody says which they are. They come and go as the capture runs: an agent may
 * begin before the network does.
 */
export class OwnNetworks {
  /** At most 64, as CIDR; those of links alone come last. */
  current: readonly string[] = [];
  private readMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly list = networkInterfaces,
    /** A clock that nobody sets, ms. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.changes();
  }

  /** Whether they are others than before; about every two seconds they are looked at. */
  changes(): boolean {
    const nowMs = this.now();
    if (nowMs - this.readMs < KEPT_MS) return false;
    this.readMs = nowMs;
    const found = this.read();
    if (found === undefined || found.join() === this.current.join()) return false;
    this.current = found;
    return true;
  }

  private read(): string[] | undefined {
    try {
      const addresses = Object.values(this.list()).flatMap((list) => list ?? []);
      const networks = addresses.map(({ address, family }) => `${address.replace(/%.*$/, "")}/${family === "IPv6" ? 128 : 32}`);
      const [links, others] = [true, false].map((isLink) => networks.filter((one) => LINK_LOCAL.test(one) === isLink));
      return [...new Set([...others!, ...links!])].slice(0, HOST_NETWORKS_MAX);
    } catch {
      // To list them takes a free descriptor: they are taken for what they were.
      return undefined;
    }
  }
}
