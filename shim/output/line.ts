import type { Writable } from "node:stream";
import { describeRequest, describeResponse, fields } from "../../engine/describe";
import type { Endpoint, RoundTrip } from "../../engine/round-trip";
import { formatSeconds } from "../../engine/units";
import { type Palette, paletteFor } from "./colour";
import { contentLines } from "./content-lines";
import { printable } from "./printable";
import { stagePath } from "./stage-path";
import { timingBar } from "./timing-bar";

const TIME_WIDTH = "2024-01-01T00:00:00.000000000Z".length;
const CLOCK_WIDTH = "00:00:00.000000".length;
const STATUS_WIDTH = 10;
const DURATION_WIDTH = 7;
/** Columns grow with what they hold, up to two IPv6 addresses' worth. */
const ENDPOINT_WIDTH_MIN = 15;
const ENDPOINT_WIDTH_MAX = 47;

/** Makes a line of a round trip; `wide` adds its time in full, sizes, the parts of its duration with a bar of them, stages, all fields and marks. */
export function lineFormatter(wide: boolean, stream: Writable): (trip: RoundTrip) => string {
  const palette = paletteFor(stream);
  const widths = { protocol: 4, client: ENDPOINT_WIDTH_MIN, server: ENDPOINT_WIDTH_MIN };
  return (trip) => {
    const client = formatEndpoint(trip.client);
    const server = formatEndpoint(trip.server);
    widths.protocol = Math.max(widths.protocol, trip.protocol.length);
    widths.client = grown(widths.client, client);
    widths.server = grown(widths.server, server);
    const head = [
      palette.faint(wide ? (trip.time ?? "-".padEnd(TIME_WIDTH)) : (trip.time?.slice(11, 26) ?? "-".padEnd(CLOCK_WIDTH))),
      trip.protocol.padEnd(widths.protocol),
      statusPaint(trip.status, palette)(trip.status.padEnd(STATUS_WIDTH)),
      (trip.durationNs === undefined ? "-" : formatSeconds(trip.durationNs / 1e9)).padStart(DURATION_WIDTH),
      `${client.padEnd(widths.client)} > ${server.padEnd(widths.server)}`,
    ].join(" ");
    const bar = wide ? `${timingBar(trip, palette)}  ` : "";
    return `${head}  ${bar}${printable(wide ? wideText(trip) : shortText(trip))}\n${contentLines(trip)}`;
  };
}

function shortText(trip: RoundTrip): string {
  const marks = trip.marks.length > 0 ? ` [${trip.marks.join(" ")}]` : "";
  return `${describeRequest(trip)} -> ${describeResponse(trip)}${marks}`;
}

function wideText(trip: RoundTrip): string {
  const { timing, stages, tcp, marks, request, response } = trip;
  const parts = [
    trip.direction,
    ...ownerText("client", trip.client),
    ...ownerText("server", trip.server),
    ...Object.entries(timing).map(([name, ns]) => `${name.replace(/Ns$/, "")} ${formatSeconds(ns / 1e9)}`),
    ...(stages ? [stagePath(stages)] : []),
    ...(tcp ? Object.entries(tcp).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : [])) : []),
    ...(marks.length > 0 ? [`[${marks.join(" ")}]`] : []),
    request ? `request ${fields(request)}` : "(no request)",
    response ? `response ${fields(response)}` : "(no response)",
  ];
  return parts.join(" | ");
}

/** Whose an end is, as far as it is known: `client curl[4711] user root`. */
function ownerText(end: string, { process, pid, user, container, pod }: Endpoint): string[] {
  const words = Object.entries({ user, container, pod }).flatMap(([name, text]) =>
    text === undefined ? [] : [`${name} ${text}`],
  );
  if (process !== undefined) words.unshift(pid === undefined ? process : `${process}[${pid}]`);
  return words.length === 0 ? [] : [`${end} ${words.join(" ")}`];
}

function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function grown(width: number, text: string): number {
  return Math.min(ENDPOINT_WIDTH_MAX, Math.max(width, text.length));
}

function statusPaint(status: string, palette: Palette): Palette["good"] {
  if (status === "ok") return palette.good;
  return status === "unobserved" ? palette.unsure : palette.bad;
}
