/** Charsets of databases whose characters hold ASCII bytes, their characters by the platform's own decoders. */

/** Numbers of assembly/protocols/sql/charset.ts. */
export const CHARSET = { unknown: 0, plain: 1, gbk: 2, big5: 3, sjis: 4 };

/** Databases have the characters of Big5 without those of Hong Kong before and behind them, which the decoder adds. */
const FIRST: Record<string, [least: number, greatest: number]> = { big5: [0xa1, 0xf9] };

/** Characters of two bytes whose second byte is `second`, as bytes. */
export function charactersWith(encoding: string, second: number): Uint8Array[] {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const found: Uint8Array[] = [];
  const [least, greatest] = FIRST[encoding] ?? [0x81, 0xfe];
  for (let first = least; first <= greatest; first++) {
    const bytes = Uint8Array.of(first, second);
    try {
      if ([...decoder.decode(bytes)].length === 1) found.push(bytes);
    } catch {
      // No character.
    }
  }
  return found;
}

/** Every character of two bytes. */
export function charactersOf(encoding: string): Uint8Array[] {
  return Array.from({ length: 0xc0 }, (_, index) => charactersWith(encoding, index + 0x3f)).flat();
}
