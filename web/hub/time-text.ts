/** Times of the hub as text, all in UTC. */

/** Hours and minutes; at midnight the day, and beside each where a window has several. */
export function momentOf(second: number, withDay = false): string {
  const time = new Date(second * 1000).toISOString();
  const clock = time.slice(11, 16);
  if (clock === "00:00") return time.slice(5, 10);
  return withDay ? `${time.slice(5, 10)} ${clock}` : clock;
}

/** `2026-01-31 12:00 – 13:00`, both days where they differ. */
export function windowText(from: number, to: number): string {
  const [start, end] = [from, to].map((second) => new Date(second * 1000).toISOString().slice(0, 16).replace("T", " "));
  return `${start} – ${start!.slice(0, 10) === end!.slice(0, 10) ? end!.slice(11) : end}`;
}
