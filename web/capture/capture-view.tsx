import { useRef } from "hono/jsx/dom";
import { bytes, count, seconds } from "../parts/format";
import { useStore } from "../parts/store";
import { ResultView } from "./result-view";
import type { CaptureSession, CaptureState } from "./session";

type OnFiles = (files: FileList | null) => void;

/** The capture page, whatever state its file is in. */
export function CaptureView({ session, onFiles }: { session: CaptureSession; onFiles: OnFiles }) {
  const state = useStore(session.capture);
  if (state.phase === "reading") return <Reading state={state} onCancel={() => session.cancel()} />;
  if (state.phase === "done" && state.result)
    return <ResultView session={session} state={state} result={state.result} onFiles={onFiles} />;
  return <Welcome state={state} onFiles={onFiles} />;
}

/** A button that opens the file dialog, for a capture, its key logs, or both. */
export function OpenButton({ title, onFiles, isMain }: { title: string; onFiles: OnFiles; isMain?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const take = () => {
    const { current } = input;
    if (current === null) return;
    onFiles(current.files);
    current.value = "";
  };
  return (
    <>
      <button type="button" class={isMain ? "main" : ""} onClick={() => input.current?.click()}>
        {title}
      </button>
      <input ref={input} type="file" multiple hidden aria-label="Capture file" onChange={take} />
    </>
  );
}

function Welcome({ state, onFiles }: { state: CaptureState; onFiles: OnFiles }) {
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h1 id="welcome-title">Open a capture</h1>
      <p>See what was asked in it, what came back, how long it took, and what it all adds up to.</p>
      {state.reason === "" ? null : (
        <p class={state.phase === "failed" ? "notice bad" : "notice"} role={state.phase === "failed" ? "alert" : "status"}>
          {state.reason}
        </p>
      )}
      <OpenButton title="Choose a file" onFiles={onFiles} isMain />
      <p class="aside">or drop it anywhere on this page · pcap and pcapng, plain or gzipped, of any size</p>
      <p class="aside">with a key log beside it, what is under TLS too</p>
      <p class="aside private">The file is read by this browser and never leaves this computer.</p>
    </section>
  );
}

function Reading({ state, onCancel }: { state: CaptureState; onCancel: () => void }) {
  const { name, size, bytesRead, roundTrips, seconds: elapsed } = state;
  const share = size === 0 ? 0 : bytesRead / size;
  const left = share > 0.02 && elapsed > 1 ? ` · about ${seconds(Math.ceil((elapsed / share) * (1 - share)))} left` : "";
  return (
    <section class="welcome reading" aria-labelledby="reading-title">
      <h1 id="reading-title">Reading {name}</h1>
      <progress value={share} max={1} aria-label="Read so far" />
      <p class="figures">
        {bytes(bytesRead)} of {bytes(size)} · {count(roundTrips)} round trips{left}
      </p>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}
