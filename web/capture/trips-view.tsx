import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { RoundTrip } from "../../engine/round-trip";
import { count } from "../parts/format";
import { useStore } from "../parts/store";
import { COLUMNS } from "./columns";
import type { CaptureResult, Fault, Matches } from "./messages";
import type { CaptureSession, TableState } from "./session";
import { TripDetail } from "./trip-detail";
import { TripsTable } from "./trips-table";

/** Wait after a key press before the filter runs, ms. */
const TYPING_MS = 180;

/** The round trips of a capture: filter box, table, and one row's detail. */
export function TripsView({ session, result }: { session: CaptureSession; result: CaptureResult }) {
  const table = useStore(session.table);
  const [selected, setSelected] = useState(-1);
  const [opened, setOpened] = useState(-1);
  // What is open stays while its row is on the way, and when a filter takes the row away.
  const trip = useRef<RoundTrip | undefined>(undefined);
  if (opened >= 0) trip.current = session.row(opened) ?? trip.current;
  const filter = useRef<HTMLInputElement>(null);
  useFilterKey(filter);
  useEffect(() => {
    setSelected(-1);
    setOpened(-1);
  }, [table.view]);
  const close = () => {
    trip.current = undefined;
    setOpened(-1);
    document.getElementById("trips")?.focus();
  };
  const select = (index: number) => {
    setSelected(index);
    if (trip.current !== undefined) setOpened(index);
  };
  return (
    <div class={trip.current ? "trips with-detail" : "trips"}>
      <div class="tools">
        <FilterBox session={session} box={filter} fault={table.fault} />
        <SortChoice session={session} />
        <p class="aside" role="status">
          {table.isBusy ? busyText(table.searching) : countText(table.matches, table.filter, result)}
        </p>
        {canSearch(table, result) ? (
          <button type="button" onClick={() => session.search()}>
            Search the whole file
          </button>
        ) : null}
        {table.searching === undefined ? null : (
          <button type="button" onClick={() => session.show(table.filter, table.order)}>
            Stop searching
          </button>
        )}
        <div id="filter-fault" class="notice bad" role="alert" hidden={table.fault === undefined}>
          {table.fault ? <FaultText fault={table.fault} /> : null}
        </div>
      </div>
      <TripsTable session={session} selected={selected} onSelect={select} onOpen={setOpened} />
      {trip.current ? <TripDetail trip={trip.current} onClose={close} /> : null}
    </div>
  );
}

/** Letters of a filter that are shown before and behind its fault. */
const SHOWN_LETTERS = 40;

/** What is wrong with a filter, and the filter marked from there on. */
function FaultText({ fault: { message, column, filter } }: { fault: Fault }) {
  if (column === undefined) return <>{message}</>;
  const at = column - 1;
  return (
    <>
      Column {column}: {message}
      <code class="faulty">
        {at > SHOWN_LETTERS ? "…" : ""}
        {filter.slice(Math.max(0, at - SHOWN_LETTERS), at)}
        <mark>{filter.slice(at, at + SHOWN_LETTERS) || " "}</mark>
      </code>
    </>
  );
}

function busyText(searching: number | undefined): string {
  return searching === undefined ? "Looking ..." : `Searching, ${Math.floor(searching * 100)}\u00a0% read`;
}

/** Whether the filter looked among the kept round trips only, and there are more. */
function canSearch({ filter, matches, isBusy, fault }: TableState, { roundTrips }: CaptureResult): boolean {
  return filter.trim() !== "" && !isBusy && fault === undefined && matches.of < roundTrips;
}

function countText({ rows, found, of }: Matches, filter: string, { roundTrips }: CaptureResult): string {
  const all = `${count(roundTrips)} round trips`;
  const looked = of < roundTrips ? `the first ${count(of)} of ${all}` : all;
  if (filter.trim() === "") return looked;
  return `${rows < found ? `the first ${count(rows)} of ` : ""}${count(found)} of ${looked}`;
}

/** `/` goes to the filter box, wherever the focus is, unless one writes somewhere. */
function useFilterKey(box: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isWriting = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

interface BoxProps {
  session: CaptureSession;
  box: { current: HTMLInputElement | null };
  fault: Fault | undefined;
}

function FilterBox({ session, box, fault }: BoxProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const run = (text: string, waitMs: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => session.show(text, session.table.state.order), waitMs);
  };
  return (
    <div class="filter">
      <label for="filter">Filter</label>
      <input
        id="filter"
        ref={box}
        type="search"
        value={session.table.state.filter}
        placeholder="status == error and durationNs > 10ms"
        autocomplete="off"
        spellcheck={false}
        aria-invalid={fault === undefined ? "false" : "true"}
        aria-describedby={fault === undefined ? "filter-help" : "filter-fault"}
        onInput={(event: Event) => run((event.target as HTMLInputElement).value, TYPING_MS)}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === "Enter") run((event.target as HTMLInputElement).value, 0);
        }}
      />
      <details class="help">
        <summary aria-label="How to filter">?</summary>
        <FilterHelp />
      </details>
    </div>
  );
}

function FilterHelp() {
  return (
    <div id="filter-help" class="help-text">
      <dl>
        <dt>
          <code>"two words"</code>
        </dt>
        <dd>any text, name or address of the round trip, in any case</dd>
        <dt>
          <code>http</code> <code>response</code> <code>dns.ecs</code>
        </dt>
        <dd>it is there</dd>
        <dt>
          <code>status != ok</code> <code>dns.type in {"{A, AAAA}"}</code>
        </dt>
        <dd>names and texts</dd>
        <dt>
          <code>durationNs &gt; 10ms</code> <code>response.bytes in 1kB..2kB</code>
        </dt>
        <dd>numbers with units, ranges</dd>
        <dt>
          <code>http.path ~ "/api/*"</code> <code>contains</code> <code>startswith</code>
        </dt>
        <dd>parts of a text</dd>
        <dt>
          <code>client.address in 10.0.0.0/8</code>
        </dt>
        <dd>networks</dd>
        <dt>
          <code>marks has retry</code>
        </dt>
        <dd>a list has it</dd>
        <dt>
          <code>and</code> <code>or</code> <code>not</code> <code>( )</code>
        </dt>
        <dd>put together</dd>
      </dl>
      <p>Fields are those that the detail of a row shows, with their protocol in front: http.statusCode.</p>
    </div>
  );
}

/** Sorting where there is no room for the table's head. */
function SortChoice({ session }: { session: CaptureSession }) {
  const { order, filter } = useStore(session.table);
  const change = (column: string, descending: boolean) =>
    session.show(filter, column === "" ? undefined : { column, descending });
  return (
    <div class="sort">
      <label for="sort">Sort by</label>
      <select
        id="sort"
        value={order?.column ?? ""}
        onChange={(event: Event) => change((event.target as HTMLSelectElement).value, order?.descending ?? false)}
      >
        <option value="">file order</option>
        {COLUMNS.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-label={order?.descending ? "Largest first; change to smallest first" : "Smallest first; change to largest first"}
        disabled={order === undefined}
        onClick={() => order && change(order.column, !order.descending)}
      >
        {order?.descending ? "↓" : "↑"}
      </button>
    </div>
  );
}
