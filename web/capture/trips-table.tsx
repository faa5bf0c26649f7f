// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot draw only the rows that are seen
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its active row
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid takes the keys for its rows
import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { RoundTrip } from "../../engine/round-trip";
import { bytes, clock, seconds } from "../parts/format";
import { useMedia } from "../parts/media";
import { useStore } from "../parts/store";
import { COLUMNS } from "./columns";
import { bytesOf, endpointOf, requestOf, resultOf } from "./describe";
import type { CaptureSession } from "./session";

/** Heights of rows, the same as in trips.css. */
const ROW_HEIGHT = 28;
const NARROW_ROW_HEIGHT = 54;
/** Below this width a row takes two lines. */
const NARROW = "(max-width: 760px)";
/** Rows drawn beyond what is seen, to either side. */
const MARGIN_ROWS = 12;

interface Props {
  session: CaptureSession;
  selected: number;
  onSelect(index: number): void;
  onOpen(index: number): void;
}

/** The round trips as a table of any length: only the rows that are seen are drawn. */
export function TripsTable({ session, selected, onSelect, onOpen }: Props) {
  const {
    matches: { rows: matches },
    view,
  } = useStore(session.table);
  const isNarrow = useMedia(NARROW);
  const rowHeight = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: 40 });
  const look = () => {
    const { current } = box;
    if (current === null) return;
    const first = Math.max(0, Math.floor(current.scrollTop / rowHeight) - MARGIN_ROWS);
    const last = Math.ceil((current.scrollTop + current.clientHeight) / rowHeight) + MARGIN_ROWS;
    setSeen((before) => (before.first === first && before.last === last ? before : { first, last }));
  };
  useEffect(() => {
    box.current?.scrollTo(0, 0);
    look();
  }, [view, rowHeight]);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [rowHeight]);
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / rowHeight) - 2);
    const next = nextRow(event.key, selected, matches, page);
    if (next !== undefined) {
      event.preventDefault();
      onSelect(next);
      scrollToRow(box.current, next, rowHeight);
    } else if ((event.key === "Enter" || event.key === " ") && selected >= 0 && selected < matches) {
      event.preventDefault();
      onOpen(selected);
    }
  };
  const rows = [];
  for (let index = seen.first; index < Math.min(seen.last, matches); index++) {
    rows.push(
      <Row
        key={index}
        index={index}
        trip={session.row(index)}
        isSelected={index === selected}
        top={index * rowHeight}
        onOpen={() => {
          onSelect(index);
          onOpen(index);
        }}
      />,
    );
  }
  return (
    <div
      id="trips"
      ref={box}
      class="trips-table"
      role="grid"
      tabIndex={0}
      aria-label="Round trips"
      aria-rowcount={matches + 1}
      aria-colcount={COLUMNS.length}
      aria-activedescendant={selected >= seen.first && selected < Math.min(seen.last, matches) ? `trip-${selected}` : undefined}
      onScroll={look}
      onKeyDown={onKeyDown}
    >
      <Head session={session} />
      <div class="rows" role="rowgroup" style={{ height: `${matches * rowHeight}px` }}>
        {rows}
      </div>
      {matches === 0 ? <p class="nothing">No round trip matches.</p> : null}
    </div>
  );
}

function nextRow(key: string, selected: number, matches: number, page: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -matches,
    End: matches,
  };
  const step = steps[key];
  if (step === undefined || matches === 0) return undefined;
  return Math.max(0, Math.min(matches - 1, selected + step));
}

function scrollToRow(box: HTMLDivElement | null, index: number, rowHeight: number): void {
  if (box === null) return;
  const head = box.querySelector<HTMLElement>(".columns")?.offsetHeight ?? 0;
  const top = index * rowHeight;
  const bottom = top + rowHeight + head;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}

function Head({ session }: { session: CaptureSession }) {
  const { order, filter } = useStore(session.table);
  // A column goes from smallest first to largest first and back to the file's order.
  const choose = (column: string) => {
    if (order?.column !== column) session.show(filter, { column, descending: false });
    else session.show(filter, order.descending ? undefined : { column, descending: true });
  };
  return (
    <div class="columns" role="rowgroup">
      <div class="row" role="row" aria-rowindex={1}>
        {COLUMNS.map(({ id, title }) => {
          const isSorted = order?.column === id;
          const sorting = !isSorted ? "none" : order.descending ? "descending" : "ascending";
          return (
            <div key={id} class={`cell c-${id}`} role="columnheader" aria-sort={sorting}>
              <button type="button" onClick={() => choose(id)}>
                {title}
                <span aria-hidden="true">{isSorted ? (order.descending ? " ↓" : " ↑") : ""}</span>
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  index: number;
  trip: RoundTrip | undefined;
  isSelected: boolean;
  top: number;
  onOpen(): void;
}

function Row({ index, trip, isSelected, top, onOpen }: RowProps) {
  const place = { transform: `translateY(${top}px)` };
  return (
    <div
      id={`trip-${index}`}
      class={isSelected ? "row selected" : "row"}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected ? "true" : "false"}
      style={place}
      onClick={onOpen}
    >
      {trip === undefined
        ? null
        : COLUMNS.map(({ id }) => (
            <div key={id} class={`cell c-${id}`} role="gridcell">
              {cellOf(id, trip)}
            </div>
          ))}
    </div>
  );
}

function cellOf(id: string, trip: RoundTrip) {
  switch (id) {
    case "time":
      return trip.time === undefined ? "—" : clock(trip.time);
    case "protocol":
      return trip.protocol;
    case "status":
      return <span class={`status ${trip.status}`}>{trip.status}</span>;
    case "request":
      return <span title={requestOf(trip)}>{requestOf(trip) || "—"}</span>;
    case "result":
      return resultOf(trip) || "—";
    case "duration":
      return trip.durationNs === undefined ? "—" : seconds(trip.durationNs / 1e9);
    case "bytes":
      return bytes(bytesOf(trip));
    case "client":
      return endpointOf(trip.client);
    default:
      return endpointOf(trip.server);
  }
}
