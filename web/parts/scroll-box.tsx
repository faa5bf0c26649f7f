import type { Child } from "hono/jsx";

/** What may be wider than its place: it scrolls by finger and, once it has the focus, by the arrow keys. */
export function ScrollBox({ label, children }: { label: string; children?: Child }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus it could not be scrolled by keyboard
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
