/** A core of an ABI whose host gives more than ours. */

declare function questionAsked(): void;

export function abiVersion(): u32 {
  questionAsked();
  return 4_000_000_001;
}
