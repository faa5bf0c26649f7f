/** Laws of the packet path over every capture: chunks, cuts, flipped bytes, and what lies where nothing should be read. */
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { corpusBytes, corpusIndex, HAS_CORPUS } from "../support/corpus";
import { PacketPath } from "../support/packets";
import { numbers, recordLengths } from "../support/record-lengths";

describe.runIf(HAS_CORPUS)("over every capture", () => {
  const path = new PacketPath();
  const files = HAS_CORPUS ? corpusIndex() : [];
  const content = new Map<string, Uint8Array>();
  const bytesOf = (file: (typeof files)[number]) => {
    const known = content.get(file.file);
    if (known) return known;
    // Not a Buffer, whose slices share its memory.
    const bytes = new Uint8Array(file.format.startsWith("gz:") ? gunzipSync(corpusBytes(file.file)) : corpusBytes(file.file));
    content.set(file.file, bytes);
    return bytes;
  };
  const wholes = new Map(files.map((file) => [file.file, path.run(bytesOf(file))]));

  /** Asserts that bytes are read alike whatever lies around them, and that each packet is delivered once. */
  const agrees = (name: string, bytes: Uint8Array) => {
    const [one, other] = [0x00, 0xff].map((poison) => path.run(bytes, { poison }));
    expect(one, name).toEqual(other);
    expect(one!.tcp + one!.udp + one!.other, name).toBe(one!.count.packets);
    return one!;
  };

  test("whole = any chunks", () => {
    for (const [index, file] of files.entries()) {
      const next = numbers(index);
      const most = [17, 300, 5000, 70_000][index & 3]!;
      const bytes = bytesOf(file);
      if (bytes.length / most > 20_000) continue;
      expect(path.run(bytes, { chunk: () => 1 + next(most) }), file.file).toEqual(wholes.get(file.file));
    }
  });

  test("what lies beyond the captured bytes, and in free memory, does not matter", () => {
    for (const file of files) {
      const bytes = bytesOf(file);
      const results = [0x00, 0xff, 0x45].map((poison) => {
        const lengths = recordLengths(bytes);
        return path.run(bytes, { poison, chunk: () => lengths.next().value ?? 1 << 30 });
      });
      for (const result of results) expect(result, file.file).toEqual(wholes.get(file.file));
    }
  });

  test("cut anywhere: no trap, and no packet more", () => {
    for (const [index, file] of files.entries()) {
      const bytes = bytesOf(file);
      const next = numbers(index + 7);
      for (let turn = 0; turn < 3; turn++) {
        const cut = bytes.subarray(0, next(bytes.length + 1));
        const { count } = agrees(file.file, cut);
        expect(count.packets, file.file).toBeLessThanOrEqual(wholes.get(file.file)!.count.packets);
        expect(count.capturedBytes, file.file).toBeLessThanOrEqual(cut.length);
      }
    }
  });

  test("bytes flipped anywhere: no trap, and each packet is delivered once", () => {
    for (const [index, file] of files.entries()) {
      const next = numbers(index + 99);
      const bytes = bytesOf(file).slice();
      if (bytes.length === 0) continue;
      const flips = Math.min(500, 1 + bytes.length / 1000);
      // The first bytes are spared, else most files would only be of no known format.
      for (let flip = 0; flip < flips; flip++) bytes[Math.min(bytes.length - 1, 24 + next(bytes.length))]! ^= 1 << next(8);
      agrees(file.file, bytes);
    }
  });

  test("headers of packets flipped, their records whole: no trap, and as many packets", () => {
    for (const [index, file] of files.entries()) {
      const whole = bytesOf(file);
      const next = numbers(index + 1234);
      for (const turn of [0, 1, 2]) {
        const bytes = whole.slice();
        let at = 0;
        for (const length of recordLengths(whole)) {
          const start = at + (whole[0] === 0x0a ? 28 : 16);
          const header = Math.min(length, whole.length - at) - (start - at) - (whole[0] === 0x0a ? 4 : 0);
          for (let flip = 0; flip <= turn && at !== 0 && header > 0; flip++)
            bytes[start + next(Math.min(header, 120))] = next(256);
          at += length;
        }
        const { count } = agrees(file.file, bytes);
        // Blocks of pcapng that describe interfaces may have changed; packets stay packets.
        expect(count.packets, file.file).toBe(wholes.get(file.file)!.count.packets);
      }
    }
  });

  test("headers flipped byte by byte, in the small set", () => {
    for (const file of files.filter(({ core }) => core)) {
      const whole = bytesOf(file);
      const bytes = whole.slice(0, 24 + 16 + 128);
      for (let at = 0; at < bytes.length; at++) {
        for (const bit of [0x01, 0x80, 0xff]) {
          bytes[at]! ^= bit;
          const { count, tcp, udp, other } = path.run(bytes);
          if (tcp + udp + other !== count.packets) expect.fail(`${file.file}, byte ${at}`);
          bytes[at]! ^= bit;
        }
      }
    }
  });
});
