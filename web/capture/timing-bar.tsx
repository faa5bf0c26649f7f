import type { RoundTrip } from "../../engine/round-trip";
import { seconds } from "../parts/format";

/** Where the time of a round trip went, as a bar from the request's first byte to the response's last. */
export function TimingBar({ trip }: { trip: RoundTrip }) {
  const { durationNs, timing } = trip;
  if (durationNs === undefined) return <p class="aside">{withoutDuration(trip)}</p>;
  const parts = partsOf(durationNs, timing).filter(({ ns }) => ns > 0);
  const text = parts.map(({ title, ns }) => `${title} ${seconds(ns / 1e9)}`).join(", ");
  return (
    <figure class="timing">
      <div class="bar" role="img" aria-label={`${seconds(durationNs / 1e9)} in all: ${text}`}>
        {parts.map(({ id, ns }) => (
          <span key={id} class={id} style={{ "flex-grow": ns }} />
        ))}
      </div>
      <figcaption>
        <span class="total">{seconds(durationNs / 1e9)}</span>
        {parts.map(({ id, title, ns }) => (
          <span key={id} class={`legend ${id}`}>
            {title} {seconds(ns / 1e9)}
          </span>
        ))}
        {timing.handshakeRttNs === undefined ? null : <span>handshake {seconds(timing.handshakeRttNs / 1e9)}</span>}
      </figcaption>
    </figure>
  );
}

function withoutDuration({ request, response }: RoundTrip): string {
  if (response === undefined) return "No response: there is no duration.";
  if (request === undefined) return "No request: there is no duration.";
  return "The capture has no time of all its packets: there is no duration.";
}

function partsOf(durationNs: number, { requestNs = 0, serverNs = 0, responseNs = 0 }: RoundTrip["timing"]) {
  return [
    { id: "request", title: "request", ns: requestNs },
    { id: "server", title: "server", ns: serverNs },
    { id: "way", title: "on the way", ns: Math.max(0, durationNs - requestNs - serverNs - responseNs) },
    { id: "response", title: "response", ns: responseNs },
  ];
}
