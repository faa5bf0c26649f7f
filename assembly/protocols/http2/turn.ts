/** The bytes in hand while the parser runs. */
export class Turn {
  static side: u32 = 0;
  /** The next byte to be read. */
  static at: usize = 0;
  static end: usize = 0;

  static open(side: u32, start: usize, length: u32): void {
    Turn.side = side;
    Turn.at = start;
    Turn.end = start + length;
  }
}
