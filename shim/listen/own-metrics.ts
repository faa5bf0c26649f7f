import { VERSION } from "../version";
import { type Family, gauge, series } from "./families";
import type { Series, Totals } from "./totals";
import type { Watchers } from "./watchers";

/** What has become of the minutes that an agent sealed, each part of one counted. */
export interface Standing {
  sealed: number;
  /** By the hub: taken, known to it already, and refused. */
  stored: number;
  duplicates: number;
  refused: number;
  /** On disk, for the hub. */
  waiting: number;
  /** For want of room: in memory while the disk was full, and in the spool. */
  lostUnwritten: number;
  lostWaiting: number;
}

/** What an agent tells of itself, beside what it counts of the traffic. */
export function ownFamilies(totals: Totals, standing: Standing, watchers: Watchers): Family[] {
  const { stored, duplicates, refused, lostUnwritten, lostWaiting } = standing;
  const posted: [string, number][] = [
    ["stored", stored],
    ["duplicate", duplicates],
    ["refused", refused],
  ];
  const lost: [string, number][] = [
    ["disk_full", lostUnwritten],
    ["spool_full", lostWaiting],
  ];
  return [
    gauge("tallywire_build_info", "The agent's version.", [series(1, { version: VERSION })]),
    gauge("tallywire_counted_until_timestamp_seconds", "End of the latest minute that is counted here.", [
      series(totals.untilSeconds),
    ]),
    counter("tallywire_left_out_values_total", "Values of minutes that found no room for their series.", [
      series(totals.leftOut),
    ]),
    counter("tallywire_sealed_minutes_total", "Minutes that were sealed, each part of one counted.", [series(standing.sealed)]),
    counter("tallywire_posted_minutes_total", "Minutes that were posted, by what the hub said.", labelled("outcome", posted)),
    counter("tallywire_lost_minutes_total", "Minutes that were lost for want of room.", labelled("reason", lost)),
    gauge("tallywire_waiting_minutes", "Minutes that wait on disk.", [series(standing.waiting)]),
    gauge("tallywire_watchers", "Those who watch round trips by HTTP.", [series(watchers.size)]),
    counter("tallywire_watch_lost_round_trips_total", "Round trips that were lost to those who watch, as they read slowly.", [
      series(watchers.lost),
    ]),
  ];
}

function counter(name: string, help: string, all: Series[]): Family {
  return { metric: { name, kind: "counter", unit: "", help }, series: all };
}

function labelled(label: string, values: readonly (readonly [text: string, value: number])[]): Series[] {
  return values.map(([text, value]) => series(value, { [label]: text }));
}
