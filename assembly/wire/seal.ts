/**
 * From a minute that ends to a bundle in the queue.
 */
import { stateCreate, stateSeal } from "../aggregate/kind";
import { Kind, METRIC_IDS, Registry } from "../aggregate/metric";
import { Minute, MinuteSlot, WINDOW_SECONDS } from "../aggregate/minute";
import { sealNumberTops } from "../aggregate/number-tops";
import { Policy } from "../aggregate/policy";
import { SERIES_BYTES, Series } from "../aggregate/series";
import { Tops } from "../aggregate/tops";
import { Settings } from "../settings";
import { encodeCut, Sections } from "./bundle";
import { Header } from "./header";
import { BUNDLE_BYTES_MAX, BundleQueue } from "./queue";

/** The ABI that bundles name; `index` exports the same number. */
export const ABI_VERSION: u32 = 4;

const HEADER: usize = memory.data(offsetof<Header>(), 8);
/** The policy's name in UTF-8. */
const NAME: usize = memory.data(64);

/** Makes minutes seal into the bundle queue. */
export function sealIntoQueue(): void {
  const name = Policy.name;
  const length = String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, NAME);
  changetype<Header>(HEADER).nameLength = <u32>length;
  Minute.encoder = sealMinute.index;
}

/** Lists the series of a minute that hold something, in the order of the wire. */
function listSeries(slot: MinuteSlot): void {
  const entries = <usize>slot.entries;
  // What a thread has then is a part without the others' parts, which would be taken for the whole.
  const withoutGauges = Settings.thread != 0 && slot.sequence != 0;
  Sections.count = 0;
  for (let id: u32 = 1; id < METRIC_IDS; id++) {
    const index = Registry.find(id);
    if (index == 0) continue;
    const metric = Registry.at(index - 1);
    let at = entries + metric.firstSeries * SERIES_BYTES;
    for (let i: u32 = 0; i < metric.seriesCount; i++, at += SERIES_BYTES) {
      const series = changetype<Series>(at);
      if (series.value == 0 && !standsIdle(series)) continue;
      if (withoutGauges && series.kind == Kind.GAUGE) continue;
      if (series.kind != Kind.COUNTER && !close(series)) Minute.refused += 1;
      if (!Sections.add(at)) return;
    }
  }
}

function close(series: Series): bool {
  return stateSeal(series.kind, <usize>series.value, series.parameter, Minute.capturedFrom, Minute.capturedSeconds);
}

/** Makes the state of a rate that had nothing all minute: its seconds of 0 count too. */
function standsIdle(series: Series): bool {
  if (series.kind != Kind.RATE || Minute.capturedSeconds == 0) return false;
  series.value = <u64>stateCreate(series.kind, series.parameter);
  return series.value != 0;
}

function fillHeader(slot: MinuteSlot): Header {
  const header = changetype<Header>(HEADER);
  header.abi = ABI_VERSION;
  header.schema = Registry.id;
  header.minute = slot.minute;
  header.lengthSeconds = WINDOW_SECONDS;
  header.sequence = slot.sequence;
  header.policy = Policy.number;
  header.sampling = Policy.sampling;
  header.bundles = 1;
  header.bootId = Minute.bootId;
  header.edgeClockNs = Minute.clockNs;
  header.firstNs = slot.firstNs;
  header.lastNs = slot.lastNs;
  header.seen = slot.seen;
  header.dropped = slot.dropped;
  header.malformed = slot.malformed;
  header.lost = 0;
  header.nameStart = <u32>NAME;
  return header;
}

function sealMinute(slotAddress: usize): void {
  const slot = changetype<MinuteSlot>(slotAddress);
  Tops.seal(slot.entries);
  sealNumberTops(slot.entries);
  listSeries(slot);
  const header = fillHeader(slot);
  const place = BundleQueue.place();
  const length = encodeCut(header, place, BundleQueue.placeBytes(), BUNDLE_BYTES_MAX);
  if (length == 0) BundleQueue.lost += 1;
  else BundleQueue.push(length);
}
