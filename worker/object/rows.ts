import type { Row } from "../../engine/rows";
import { SET_APART_MAX } from "../limits";
import type { MergeCore, RowSelection } from "../merge";
import { type Part, type Piece, piecesOf, readParts, readPieces } from "./parts";
import { mostThat } from "./seal";

/** Rows, and how many bundles they are without. */
export interface PartRows {
  rows: Row[];
  setApart: number;
}

/**
 * Reads the rows of parts. Where some do not merge with the others, as forged ones may, it does without those and counts them;
 * null where too many do not, or where the answer itself is too long.
 */
export function readRows(core: MergeCore, sql: SqlStorage, parts: readonly Part[], selection: RowSelection): PartRows | null {
  const rows = core.rows(readParts(sql, parts), selection);
  if (typeof rows !== "string") return { rows, setApart: 0 };
  if (rows === "answer") return null;
  return rowsOfMost(core, sql, piecesOf(sql, parts), selection);
}

function rowsOfMost(core: MergeCore, sql: SqlStorage, pieces: readonly Piece[], selection: RowSelection): PartRows | null {
  let kept: Piece[] = [];
  let rest = pieces;
  const apart: Piece[] = [];
  while (true) {
    let rows: Row[] | undefined;
    const count = mostThat(0, rest.length, (some) => {
      const tried = core.rows(readPieces(sql, [...kept, ...rest.slice(0, some)]), selection);
      if (typeof tried !== "string") rows = tried;
      return typeof tried !== "string";
    });
    kept = [...kept, ...rest.slice(0, count)];
    if (count === rest.length) {
      const found = rows ?? core.rows(readPieces(sql, kept), selection);
      if (kept.length === 0 || typeof found === "string") return null;
      return { rows: found, setApart: [...readPieces(sql, apart)].reduce((sum, part) => sum + core.bundlesIn(part), 0) };
    }
    if (apart.length === SET_APART_MAX) return null;
    apart.push(rest[count]!);
    rest = rest.slice(count + 1);
  }
}
