import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { RoundTrip } from "../../engine/round-trip";
import { count } from "../parts/format";
import { useStore } from "../parts/store";
import { COLUMNS } from "./columns";
import type { CaptureResult } from "./messages";
import type { CaptureSession } from "./session";
import { TripDetail } from "./trip-detail";
import { TripsTable } from "./trips-table";

/** Wait after a key press before the filter runs, ms. */
const TYPING_MS = 180;

/** The round trips of a capture: filter box, table, and one row's detail. */
export function TripsView({ session, result }: { session: CaptureSession; result: CaptureResult }) {
  const table = useStore(session.table);
  const [selected, setSelected] = useState(-1);
  const [opened, setOpened] = useState<RoundTrip | undefined>(undefined);
  const filter = useRef<HTMLInputElement>(null);
  useFilterKey(filter);
  const close = () => {
    setOpened(undefined);
    document.getElementById("trips")?.focus();
  };
  const select = (index: number) => {
    setSelected(index);
    if (opened !== undefined) setOpened(session.row(index) ?? opened);
  };
  return (
    <div class={opened ? "trips with-detail" : "trips"}>
      <div class="tools">
        <FilterBox session={session} box={filter} fault={table.fault} />
        <SortChoice session={session} />
        <p class="aside" role="status">
          {table.isBusy ? "Looking ..." : countText(table.matches, table.filter, result)}
        </p>
        <p id="filter-fault" class="notice bad" role="alert" hidden={table.fault === ""}>
          {table.fault}
        </p>
      </div>
      <TripsTable session={session} selected={selected} onSelect={select} onOpen={(index) => setOpened(session.row(index))} />
      {opened ? <TripDetail trip={opened} onClose={close} /> : null}
    </div>
  );
}

function countText(matches: number, filter: string, { roundTrips, kept }: CaptureResult): string {
  const of =
    kept < roundTrips ? `the first ${count(kept)} of ${count(roundTrips)} round trips` : `${count(roundTrips)} round trips`;
  return filter.trim() === "" ? of : `${count(matches)} of ${of}`;
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
  fault: string;
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
        placeholder="status:error  durationMs>10  example.com"
        autocomplete="off"
        spellcheck={false}
        aria-invalid={fault === "" ? "false" : "true"}
        aria-describedby={fault === "" ? "filter-help" : "filter-fault"}
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
      <p>All terms have to hold.</p>
      <dl>
        <dt>
          word, <code>"two words"</code>
        </dt>
        <dd>anywhere in the round trip</dd>
        <dt>
          <code>name:example</code>
        </dt>
        <dd>a field contains it; a number is equal</dd>
        <dt>
          <code>status=ok</code> <code>status!=ok</code>
        </dt>
        <dd>a field is it, or is not</dd>
        <dt>
          <code>durationMs&gt;10</code> <code>duration&gt;10ms</code> <code>bytes&gt;=2k</code>
        </dt>
        <dd>numbers</dd>
        <dt>
          <code>status:error,timeout</code>
        </dt>
        <dd>one of several</dd>
        <dt>
          <code>-port:53</code>
        </dt>
        <dd>not</dd>
      </dl>
      <p>Fields are those that the detail of a row shows; response.bytes picks one side.</p>
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
