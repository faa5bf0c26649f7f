/** Sections of a bundle, read by docs/wire.md alone: tests compare the core with this. */
export interface Section {
  metric: number;
  kind: number;
  parameter: number;
  /** Label values. */
  labels: [number, number, number];
  payload: Uint8Array;
}

export interface Sections {
  /** Where the directory begins. */
  directoryAt: number;
  /** Where the payloads begin. */
  payloadsAt: number;
  sections: Section[];
}

/** Reads the unsigned LEB128 at `at`: its value and where it ends. */
export function varint(bytes: Uint8Array, at: number): [bigint, number] {
  let value = 0n;
  for (let next = at; ; ) {
    const byte = bytes[next++];
    if (byte === undefined) throw new Error("cut");
    value |= BigInt(byte & 0x7f) << BigInt(7 * (next - at - 1));
    if (byte < 0x80) return [value, next];
  }
}

/** Writes an unsigned LEB128. */
export function leb128(value: bigint | number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** Reads the directory and cuts the payloads apart. */
export function readSections(bytes: Uint8Array): Sections {
  let at = 9;
  const number = () => {
    const [value, next] = varint(bytes, at);
    at = next;
    return Number(value);
  };
  number();
  at += 4;
  for (let i = 0; i < 3; i++) number();
  at += 8;
  for (let i = 0; i < 9; i++) number();
  at += 1 + (bytes[at] as number);
  number();
  const directoryAt = at;
  const heads: (Omit<Section, "payload"> & { length: number })[] = [];
  let metric = 0;
  for (let groups = number(); groups > 0; groups--) {
    metric += number();
    const kind = bytes[at++] as number;
    const parameter = bytes[at++] as number;
    for (let series = number(); series > 0; series--) {
      const key = number();
      heads.push({ metric, kind, parameter, labels: [key & 255, (key >> 8) & 255, (key >> 16) & 255], length: number() });
    }
  }
  const payloadsAt = at;
  const cut = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const isDistinct = ({ kind }: { kind: number }) => kind === 5;
  const payloads = new Map<unknown, Uint8Array>();
  for (const head of heads) if (!isDistinct(head)) payloads.set(head, cut(head.length));
  for (const head of heads) if (isDistinct(head)) payloads.set(head, cut(head.length));
  const sections = heads.map((head) => {
    const { length: _, ...rest } = head;
    return { ...rest, payload: payloads.get(head) as Uint8Array };
  });
  if (at !== bytes.length) throw new Error(`payloads end at ${at} of ${bytes.length}`);
  return { directoryAt, payloadsAt, sections };
}

/** Counters of a bundle by `metric/label/label`. */
export function readCounters(bytes: Uint8Array): Map<string, bigint> {
  const counters = new Map<string, bigint>();
  for (const section of readSections(bytes).sections) {
    if (section.kind !== 1) continue;
    counters.set([section.metric, ...section.labels.slice(0, 2)].join("/"), varint(section.payload, 0)[0]);
  }
  return counters;
}
