/** How many requests of each protocol wait for their response: a gauge each, noted as minutes go by. */
import { declareMetric, Kind } from "../aggregate/metric";
import { gaugeSet } from "../aggregate/observe";
import { PROTOCOLS_MAX } from "./observers";
import { Pending } from "./pending";

/** Series of each protocol's gauge, one more than it is; 0 where there is none. */
const GAUGES: usize = memory.data(4 * 32, 4);

/** Protocols of which a round trip was observed since the gauges were set last, a bit each. */
class Seen {
  static bits: u32 = 0;
}

/** Forgets what was declared. */
export function resetOpenRequests(): void {
  memory.fill(GAUGES, 0, 4 * PROTOCOLS_MAX);
  Seen.bits = 0;
}

/** Declares the gauge of `protocol`. */
export function declareOpenRequests(protocol: u32, id: u32, name: string): void {
  const help = "Requests that wait for their response.";
  store<u32>(GAUGES + (protocol << 2), declareMetric(id, Kind.GAUGE, "", name, help, 0, 0, 0, 0) + 1);
}

/** Notes that a round trip of `protocol` was observed: where none waits now, that is worth saying. */
export function noteRequest(protocol: u32): void {
  Seen.bits |= 1 << protocol;
}

/** Notes how many requests of each protocol wait now. */
export function observeOpenRequests(): void {
  for (let protocol: u32 = 1; protocol < PROTOCOLS_MAX; protocol++) {
    const gauge = load<u32>(GAUGES + (protocol << 2));
    if (gauge == 0) continue;
    const open = Pending.of(protocol);
    if (open != 0 || (Seen.bits >> protocol) & 1) gaugeSet(gauge - 1, open);
  }
  Seen.bits = 0;
}
