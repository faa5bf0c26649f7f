import type { Stage } from "../../engine/round-trip";
import { formatSeconds } from "../../engine/units";

/**
 * The way of a request and back, with the time between interfaces: `veth1 > 0 s > br0 > 16.8 us > eth0 ~ 1.2 ms ~ eth0 < 9 us < br0`. Empty
 * where there are no stages.
 */
export function stagePath(stages: readonly Stage[] = []): string {
  const passed = (key: "requestNs" | "responseNs", sign: string) =>
    stages
      .flatMap((stage) => (stage[key] === undefined ? [] : [{ name: stage.name ?? `#${stage.interface}`, ns: stage[key], sign }]))
      .sort((a, b) => a.ns - b.ns);
  const way = passed("requestNs", ">");
  const back = passed("responseNs", "<");
  // Between the two lies what no interface here shows.
  if (way.length > 0 && back.length > 0) back[0]!.sign = "~";
  const points = [...way, ...back];
  return points
    .map(({ name, ns, sign }, index) =>
      index === 0 ? name : `${sign} ${formatSeconds((ns - points[index - 1]!.ns) / 1e9)} ${sign} ${name}`,
    )
    .join(" ");
}
