/** The page's own state in the address: after the `#`, which browsers never send to a server. */
import { Store } from "./store";

/** `#view=hub&span=6h&tag.site=fra1`. */
export type Address = Record<string, string>;

function read(): Address {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** What the address says now. */
export const address = new Store<{ fields: Address }>({ fields: read() });

addEventListener("hashchange", () => address.set({ fields: read() }));

/** The address with some fields changed; empty ones are left out, and so is a key always: what is linked may be shared. */
export function addressWith(change: Address): string {
  const fields = Object.entries({ ...address.state.fields, ...change }).filter(([name, value]) => value !== "" && name !== "key");
  return `#${new URLSearchParams(fields)}`;
}

/** Goes to an address with some fields changed: a step that the browser's back button undoes. */
export function goTo(change: Address): void {
  location.hash = addressWith(change);
}

/** Changes fields of the address without an entry in the history. */
export function changeAddress(change: Address): void {
  history.replaceState(null, "", addressWith(change));
  address.set({ fields: read() });
}
