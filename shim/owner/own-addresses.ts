import { networkInterfaces } from "node:os";

/** How long this host's addresses are taken for what they were, ms. */
const KEPT_MS = 500;
const LOOPBACK_V4 = 127;

/** The addresses of this host. Most that are asked for are others', of as many connections as there are. */
export class OwnAddresses {
  /** By their last four bytes. */
  private readonly byEnd = new Map<number, Uint8Array[]>();
  private readMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly list = networkInterfaces,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether an address, of four or sixteen bytes, is one of this host. */
  has(address: Uint8Array): boolean {
    if (address.length === 4 && address[0] === LOOPBACK_V4) return true;
    const nowMs = this.now();
    if (nowMs - this.readMs >= KEPT_MS) this.read(nowMs);
    const own = this.byEnd.get(endOf(address));
    return own?.some((one) => one.length === address.length && one.every((byte, index) => byte === address[index])) ?? false;
  }

  private read(nowMs: number): void {
    this.readMs = nowMs;
    let interfaces: ReturnType<typeof networkInterfaces>;
    try {
      interfaces = this.list();
    } catch {
      // To list them takes a free descriptor: they are taken for what they were.
      return;
    }
    this.byEnd.clear();
    for (const { address } of Object.values(interfaces).flatMap((list) => list ?? [])) {
      const bytes = bytesOf(address);
      this.byEnd.set(endOf(bytes), [...(this.byEnd.get(endOf(bytes)) ?? []), bytes]);
    }
  }
}

/** The last four bytes as a number. */
function endOf(address: Uint8Array): number {
  const at = address.length - 4;
  return (address[at]! << 24) | (address[at + 1]! << 16) | (address[at + 2]! << 8) | address[at + 3]!;
}

/** The bytes of an address as a text. */
function bytesOf(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split(".").map(Number));
  const [head = "", tail = ""] = text.replace(/%.*$/, "").split("::");
  const words = (part: string) =>
    part
      .split(":")
      .filter(Boolean)
      .flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]);
  const [first, last] = [words(head), words(tail)];
  return Uint8Array.from([...first, ...Array<number>(16 - first.length - last.length).fill(0), ...last]);
}
