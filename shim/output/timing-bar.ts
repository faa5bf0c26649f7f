import type { RoundTrip } from "../../engine/round-trip";
import type { Palette } from "./colour";

/** Letters of a bar. */
export const BAR_WIDTH = 20;

/** The parts of a duration in their order, and the sign that each is drawn with: told apart without colours too. */
const SIGNS = { request: ">", network: "~", server: "#", transfer: "<" } as const;

type Part = keyof typeof SIGNS;

/** How long each part took, ns: sending the request, the way there and back, the server, and the transfer of the response. */
export function timingParts({ durationNs = 0, timing }: RoundTrip): Record<Part, number> {
  const { requestNs: request = 0, serverNs: server = 0, responseNs: transfer = 0 } = timing;
  return { request, network: Math.max(0, durationNs - request - server - transfer), server, transfer };
}

/** The duration as one bar, `>>~~~~########<<`: each part that took any time has a letter at least. Spaces where it is not known. */
export function timingBar(trip: RoundTrip, palette: Palette): string {
  if (trip.durationNs === undefined || trip.durationNs === 0) return " ".repeat(BAR_WIDTH);
  const parts = Object.entries(timingParts(trip)) as [Part, number][];
  const cells = shares(parts.map(([, ns]) => ns));
  const paints = { request: palette.name, network: palette.faint, server: palette.strong, transfer: palette.good };
  return parts.map(([part], index) => (cells[index] ? paints[part](SIGNS[part].repeat(cells[index])) : "")).join("");
}

/** Shares the letters out: one for each part that is not 0, the rest by size, what is left over to the largest remainders. */
function shares(sizes: readonly number[]): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const least = sizes.map((size) => (size > 0 ? 1 : 0));
  const free = BAR_WIDTH - least.reduce((sum: number, one) => sum + one, 0);
  const exact = sizes.map((size) => (size / total) * free);
  const cells = exact.map((share, index) => least[index]! + Math.floor(share));
  const order = exact.map((share, index) => ({ index, rest: share - Math.floor(share) })).sort((a, b) => b.rest - a.rest);
  const over = BAR_WIDTH - cells.reduce((sum, one) => sum + one, 0);
  for (const { index } of order.slice(0, over)) cells[index]! += 1;
  return cells;
}
