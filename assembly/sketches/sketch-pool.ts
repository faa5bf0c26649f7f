/** The memory that all sketches share. */
import { Pool } from "../bytes/pool";

export class SketchPool {
  /** Laid out by `configure`. */
  static pool: Pool = changetype<Pool>(0);
}
