import { useRef } from "hono/jsx/dom";

/** Asks for the key that reads the hub. */
export function KeyForm({ reason, onKey }: { reason: string; onKey(key: string): void }) {
  const box = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const key = box.current?.value.trim() ?? "";
    if (key !== "") onKey(key);
  };
  return (
    <section class="welcome" aria-labelledby="key-title">
      <h1 id="key-title">What all hosts saw</h1>
      <p>The figures of every host that posts to this hub, merged. They are shown to who has a read key.</p>
      {reason === "" ? null : (
        <p class="notice bad" role="alert">
          {reason}
        </p>
      )}
      <form class="key-form" aria-label="Key" onSubmit={submit}>
        <label for="key">Read key</label>
        <input id="key" ref={box} type="password" placeholder="tw_r_..." autocomplete="off" spellcheck={false} required />
        <button type="submit" class="main">
          Show
        </button>
      </form>
      <p class="aside">It is kept in this tab until it closes, and goes to this hub only.</p>
    </section>
  );
}
