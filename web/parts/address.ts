/** The page's own state in the address: after the `#`, which browsers never send to a server. */
import { Store } from "./store";

/** `#view=hub&key=tw_r_...&site=fra1`. */
export type Address = Record<string, string>;

function read(): Address {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** What the address says now. */
export const address = new Store<{ fields: Address }>({ fields: read() });

addEventListener("hashchange", () => address.set({ fields: read() }));

/** The address with some fields changed; empty ones are left out. */
export function addressWith(change: Address): string {
  const fields = Object.entries({ ...address.state.fields, ...change }).filter(([, value]) => value !== "");
  return `#${new URLSearchParams(fields)}`;
}

/** Changes fields of the address without an entry in the history. */
export function changeAddress(change: Address): void {
  history.replaceState(null, "", addressWith(change));
  address.set({ fields: read() });
}
