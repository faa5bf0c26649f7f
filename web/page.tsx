import { useEffect, useState } from "hono/jsx/dom";
import { CaptureView } from "./capture/capture-view";
import { sortFiles } from "./capture/file-forms";
import { CaptureSession } from "./capture/session";
import { address, addressWith, changeAddress } from "./parts/address";
import { Boundary } from "./parts/boundary";
import { useStore } from "./parts/store";

const session = new CaptureSession();

const VIEWS = [
  { id: "capture", title: "Capture" },
  { id: "hub", title: "Hub" },
];

/** Opens what was chosen or dropped: of several captures the first, with key logs of TLS beside it. */
function openFiles(files: FileList | null | undefined): void {
  // Taken out of the list at once, which is the dialog's own and emptied.
  const chosen = [...(files ?? [])];
  if (chosen.length === 0) return;
  changeAddress({ view: "" });
  void sortFiles(chosen).then((sorted) => session.take(sorted));
}

/** The whole page: its head, and the view that the address names. */
export function Page() {
  const { fields } = useStore(address);
  const view = fields.view ?? (fields.key === undefined ? "capture" : "hub");
  const isDragging = useDrop();
  return (
    <>
      <header class="head">
        <button type="button" class="skip" onClick={skipToMain}>
          Skip to content
        </button>
        <span class="mark">
          <img src="/icon.svg" alt="" width="20" height="20" />
          tallywire
        </span>
        <nav aria-label="Views">
          {VIEWS.map(({ id, title }) => (
            <a key={id} href={addressWith({ view: id })} aria-current={view === id ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Boundary key={view}>{view === "hub" ? <LateHubView /> : <CaptureView session={session} onFiles={openFiles} />}</Boundary>
      </main>
      {isDragging ? (
        <div class="drop" aria-hidden="true">
          <p>Drop the capture to open it, or its key log</p>
        </div>
      ) : null}
    </>
  );
}

/** The hub's view, which is loaded when it is first looked at. */
function LateHubView() {
  const [loaded, setLoaded] = useState<{ View: typeof import("./hub/hub-view").HubView } | undefined>(undefined);
  useEffect(() => void import("./hub/hub-view").then(({ HubView }) => setLoaded({ View: HubView })), []);
  return loaded === undefined ? null : <loaded.View />;
}

function skipToMain(): void {
  document.getElementById("main")?.focus();
}

/** Takes files that are dropped anywhere on the page; whether one is held above it. */
function useDrop(): boolean {
  const [isDragging, setDragging] = useState(false);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDragging(true);
    };
    addEventListener("dragenter", over, { signal });
    addEventListener("dragover", over, { signal });
    addEventListener("dragleave", (event) => event.relatedTarget === null && setDragging(false), { signal });
    addEventListener(
      "drop",
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setDragging(false);
        openFiles(event.dataTransfer?.files);
      },
      { signal },
    );
    return () => controller.abort();
  }, []);
  return isDragging;
}
