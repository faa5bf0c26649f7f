import { useState } from "hono/jsx/dom";
import { FiguresView } from "../figures/figures-view";
import { type Headline, HeadlineView } from "../figures/headline-view";
import { outcomes } from "../figures/outcomes";
import { bytes, count, dayAndClock, percent, seconds, short } from "../parts/format";
import { Tabs } from "../parts/tabs";
import { OpenButton } from "./capture-view";
import type { CaptureResult } from "./messages";
import type { CaptureSession, CaptureState } from "./session";
import { TripsView } from "./trips-view";

interface Props {
  session: CaptureSession;
  state: CaptureState;
  result: CaptureResult;
  onFiles(files: FileList | null): void;
}

/** A capture that was read: its headline figures, and below them everything it adds up to or its round trips. */
export function ResultView({ session, state, result, onFiles }: Props) {
  const [tab, setTab] = useState("figures");
  const { summary, schema, notes } = result;
  const showTrips = (filter: string) => {
    session.show(filter, session.table.state.order);
    setTab("trips");
  };
  return (
    <>
      <div class="title">
        <h1>{state.name}</h1>
        <p class="aside">
          {bytes(state.size)}, read in {seconds(state.seconds)}
        </p>
        <button type="button" onClick={() => save(`${state.name}.summary.json`, JSON.stringify(summary))}>
          Save figures
        </button>
        <OpenButton title="Open another" onFiles={onFiles} />
        <button type="button" onClick={() => session.close()}>
          Close
        </button>
      </div>
      {notes.map((note) => (
        <p key={note} class="notice" role="status">
          {note}
        </p>
      ))}
      <HeadlineView figures={headlineOf(result)} label="The capture in figures" />
      <Tabs
        label="What to see of the capture"
        tabs={[
          { id: "figures", title: "Figures" },
          { id: "trips", title: `Round trips (${short(result.roundTrips)})` },
        ]}
        current={tab}
        onChoose={setTab}
      />
      <div class="panel" role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {tab === "figures" ? (
          <FiguresView rows={summary.metrics} schema={schema} onKey={showTrips} />
        ) : (
          <TripsView session={session} result={result} />
        )}
      </div>
    </>
  );
}

/** Gives a text to the browser as a download. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** The figures that are asked for first. */
function headlineOf({ summary, roundTrips }: CaptureResult): Headline[] {
  const { packets, start, end } = summary;
  const lasted = start && end ? (Date.parse(end) - Date.parse(start)) / 1000 : 0;
  const { requests, failed, unobserved } = outcomes(summary.metrics);
  const malformed = Object.entries(summary.malformed);
  const undecoded = Object.entries(summary.undecoded);
  return [
    { title: "Packets", value: count(packets), note: lasted > 0 ? `${short(packets / lasted)} a second` : undefined },
    { title: "Bytes on the wire", value: bytes(summary.bytes), note: `${count(summary.bytes)} bytes` },
    { title: "Time", value: start ? seconds(lasted) : "none", note: start ? `from ${dayAndClock(start)} UTC` : undefined },
    { title: "Round trips", value: count(roundTrips), note: requests > 0 ? `${count(requests)} requests decided` : undefined },
    {
      title: "Failed",
      value: requests > 0 ? percent(failed / requests) : "none",
      note:
        requests > 0
          ? `${count(failed)} of ${count(requests)}${unobserved > 0 ? `, ${count(unobserved)} unobserved` : ""}`
          : undefined,
      isBad: failed > 0,
    },
    { title: "Malformed", ...counts(malformed), isBad: malformed.length > 0 },
    { title: "Not decoded", ...counts(undecoded) },
  ];
}

function counts(entries: [string, number][]): Pick<Headline, "value" | "note"> {
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  const largest = entries.sort(([, a], [, b]) => b - a).slice(0, 2);
  const note = largest.map(([name, value]) => `${name.replaceAll("_", " ")} ${count(value)}`).join(", ");
  return { value: count(total), note: note === "" ? undefined : note };
}
