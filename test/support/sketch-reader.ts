/** Reads encoded sketches by their written formats, apart from the core. */

export interface HistogramReading {
  count: bigint;
  sum: bigint;
  min: bigint;
  max: bigint;
  /** Counts of the buckets that are not empty. */
  counts: bigint[];
}

export interface TopReading {
  total: bigint;
  bound: bigint;
  items: { key: string; lower: bigint; error: bigint }[];
}

export interface PartReading {
  requests: bigint;
  errors: bigint;
  bytes: bigint;
  durations: HistogramReading;
}

export interface BreakdownReading {
  bound: bigint;
  items: ({ key: string; error: bigint } & PartReading)[];
  other: PartReading;
}

/** A place in an encoding. */
export class SketchReader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error("the encoding is cut");
    return byte;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  key(): string {
    const length = this.u8();
    const start = this.at;
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }

  histogram(): HistogramReading {
    const reading: HistogramReading = { count: this.varint(), sum: 0n, min: 0n, max: 0n, counts: [] };
    if (reading.count === 0n) return reading;
    reading.min = this.varint();
    reading.max = reading.count === 1n ? reading.min : reading.min + this.varint();
    if (reading.count <= 2n) {
      const values = reading.count === 1n ? [reading.min] : [reading.min, reading.max];
      reading.sum = values.reduce((sum, value) => sum + value);
      reading.counts = values.filter((value) => value !== 0n).map(() => 1n);
      return reading;
    }
    reading.sum = this.varint() + (this.varint() << 64n);
    const runs = Number(this.varint());
    this.column(reading.min === 0n ? runs : Math.max(runs - 1, 0), () => this.varint());
    const buckets = this.column(runs, () => Number(this.varint()) + 1).reduce((sum, length) => sum + length, 0);
    reading.counts = this.column(buckets, () => this.varint());
    return reading;
  }

  /** So many of what `read` reads. */
  private column<T>(count: number, read: () => T): T[] {
    return Array.from({ length: count }, read);
  }

  top(): TopReading {
    const total = this.varint();
    const bound = this.varint();
    const keys = this.column(Number(this.varint()), () => this.key());
    const [lower, error] = [0, 1].map(() => this.column(keys.length, () => this.varint())) as [bigint[], bigint[]];
    return { total, bound, items: keys.map((key, index) => ({ key, lower: lower[index]!, error: error[index]! })) };
  }

  breakdown(): BreakdownReading {
    const bound = this.varint();
    const keys = this.column(Number(this.varint()), () => this.key());
    const columns = [0, 1, 2, 3].map(() => this.column(keys.length, () => this.varint()));
    const durations = this.column(keys.length, () => this.histogram());
    const items = keys.map((key, index) => {
      const [requests, error, errors, bytes] = columns.map((column) => column[index]!) as [bigint, bigint, bigint, bigint];
      return { key, error, requests, errors, bytes, durations: durations[index]! };
    });
    const other = { requests: this.varint(), errors: this.varint(), bytes: this.varint(), durations: this.histogram() };
    return { bound, items, other };
  }
}
