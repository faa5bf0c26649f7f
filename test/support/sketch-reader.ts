/** Reads encoded sketches by their written formats, apart from the core. */

export interface HistogramReading {
  count: bigint;
  sum: bigint;
  min: bigint;
  max: bigint;
  /** Counts by bucket, as numbers from the unit's lowest bucket on. */
  buckets: Map<number, bigint>;
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
    const reading: HistogramReading = { count: this.varint(), sum: 0n, min: 0n, max: 0n, buckets: new Map() };
    if (reading.count === 0n) return reading;
    reading.min = this.varint();
    reading.max = reading.min + this.varint();
    reading.sum = this.varint() + (this.varint() << 64n);
    const runs = Number(this.varint());
    let bucket = 0;
    for (let run = 0; run < runs; run++) {
      bucket += Number(this.varint()) + (run === 0 ? 0 : 1);
      for (let rest = Number(this.varint()) + 1; rest > 0; rest--) reading.buckets.set(bucket++, this.varint());
    }
    return reading;
  }

  top(): TopReading {
    const reading: TopReading = { total: this.varint(), bound: this.varint(), items: [] };
    for (let rest = Number(this.varint()); rest > 0; rest--) {
      reading.items.push({ key: this.key(), lower: this.varint(), error: this.varint() });
    }
    return reading;
  }

  breakdown(): BreakdownReading {
    const bound = this.varint();
    const items: BreakdownReading["items"] = [];
    for (let rest = Number(this.varint()); rest > 0; rest--) {
      const key = this.key();
      const requests = this.varint();
      const error = this.varint();
      items.push({ key, error, requests, errors: this.varint(), bytes: this.varint(), durations: this.histogram() });
    }
    const other = { requests: this.varint(), errors: this.varint(), bytes: this.varint(), durations: this.histogram() };
    return { bound, items, other };
  }
}
