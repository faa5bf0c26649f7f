import type { Child } from "hono/jsx/dom";
import { ErrorBoundary } from "hono/jsx/dom";

/** Shows its children; where one of them cannot be shown, says so in its place. An error while rendering would else leave the page as it was, without a word. */
export function Boundary({ children }: { children: Child }) {
  return (
    <ErrorBoundary onError={(error: Error) => console.error(error)} fallbackRender={(error: Error) => <Failure error={error} />}>
      {children}
    </ErrorBoundary>
  );
}

function Failure({ error }: { error: Error }) {
  return (
    <section class="notice bad" role="alert">
      <p>
        <strong>This view cannot be shown.</strong> The page failed at it: {error.message}. Nothing is lost; load the page again,
        or go to another view.
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </section>
  );
}
