/** The first view of the hub. */
export function HubView() {
  return <p>hub</p>;
}
