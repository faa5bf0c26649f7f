import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { FieldValue, MessageFields, RoundTrip } from "../../engine/round-trip";
import { bytes, count } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import { endpointOf, requestOf } from "./describe";
import { TimingBar } from "./timing-bar";

/** Everything that is known of one round trip. */
export function TripDetail({ trip, onClose }: { trip: RoundTrip; onClose(): void }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onClose();
  };
  return (
    <aside ref={panel} class="detail" aria-labelledby="detail-title" tabIndex={-1} onKeyDown={onKeyDown}>
      <div class="detail-head">
        <h2 id="detail-title">{requestOf(trip) || trip.protocol}</h2>
        <CopyButton trip={trip} />
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <TimingBar trip={trip} />
      <Fields title="Round trip" fields={general(trip)} />
      {trip.request ? <Fields title="Request" fields={message(trip.request)} /> : null}
      {trip.response ? <Fields title="Response" fields={message(trip.response)} /> : null}
    </aside>
  );
}

type Shown = [name: string, value: FieldValue][];

function general(trip: RoundTrip): Shown {
  const { tcp } = trip;
  const health: Shown = tcp
    ? [
        ["retransmissions", tcp.retransmissions],
        ["out of order", tcp.outOfOrder],
        ["gap", bytes(tcp.gapBytes)],
      ]
    : [];
  return [
    ["time", trip.time ?? "not in the capture"],
    ["protocol", trip.protocol],
    ["status", trip.status],
    ["client", endpointOf(trip.client)],
    ["server", endpointOf(trip.server)],
    ["direction", trip.direction],
    ["interface", trip.interface],
    ...health,
    ...(trip.marks.length > 0 ? ([["marks", trip.marks]] satisfies Shown) : []),
  ];
}

function message({ bytes: size, ...fields }: MessageFields): Shown {
  return [["bytes", `${count(size)} on the wire`], ...(Object.entries(fields) as Shown)];
}

function Fields({ title, fields }: { title: string; fields: Shown }) {
  const tables = fields.filter(([, value]) => isTable(value));
  const id = `detail-${title.replace(" ", "-").toLowerCase()}`;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <dl class="fields">
        {fields
          .filter(([, value]) => !isTable(value))
          .map(([name, value]) => (
            <div key={name}>
              <dt>{words(name)}</dt>
              <dd class={name === "time" ? "time" : ""}>{Array.isArray(value) ? value.join(", ") || "none" : String(value)}</dd>
            </div>
          ))}
      </dl>
      {tables.map(([name, value]) => (
        <Records key={name} name={words(name)} records={value as Record<string, string | number>[]} />
      ))}
    </section>
  );
}

function Records({ name, records }: { name: string; records: Record<string, string | number>[] }) {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return (
    <ScrollBox label={name}>
      <table>
        <caption>{name}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {words(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {records.map((record, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} class={typeof record[column] === "number" ? "number" : ""}>
                  {record[column] ?? ""}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

function isTable(value: FieldValue): value is Record<string, string | number>[] {
  return Array.isArray(value) && typeof value[0] === "object";
}

/** `userAgent` as `user agent`. */
function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}

/** Puts the round trip on the clipboard, as `tallywire read -o json` prints it. */
function CopyButton({ trip }: { trip: RoundTrip }) {
  const [title, setTitle] = useState("Copy JSON");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(trip));
      setTitle("Copied");
    } catch {
      setTitle("Not allowed to copy");
    }
    setTimeout(() => setTitle("Copy JSON"), 1500);
  };
  return (
    <button type="button" onClick={() => void copy()}>
      {title}
    </button>
  );
}
