/** Where a process runs, as the path of its control group tells. */
export interface Place {
  /** Number of the container: 64 hexadecimal digits mostly, a name where LXC or nspawn gave it. */
  container: string | undefined;
  /** UID of the Kubernetes pod. */
  pod: string | undefined;
}

/** A step of a path that is a container: what Docker, containerd, CRI-O, Podman, ECS and buildkit call theirs. */
const CONTAINER =
  /^(?:(?:docker|cri-containerd|crio|libpod|nerdctl|containerd|buildkit|cri-o)-)?([0-9a-f]{64}|[0-9a-f]{32}-\d+)(?:\.scope)?$/;
/** The same in steps that containerd prefixes with what its runtime was told: `kubepods-pod1234.slice:cri-containerd:ID`. */
const PREFIXED = /:(?:cri-containerd|crio|docker|containerd):([0-9a-f]{64})$/;
/** The step above a container that Kubernetes made, whose dashes are underscores in names of systemd. A static pod's UID has none. */
const POD =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?::|$)/;
const LXC = /^lxc\.(?:payload|monitor)\.(.+)$/;
const NSPAWN = /^(?:systemd-nspawn@(.+)\.service|machine-(.+)\.scope)$/;
/** Characters of a container's number that tell it apart, as Docker shows them. */
const SHORT = 12;

/** Reads a path as `/kubepods.slice/kubepods-pod1234.slice/cri-containerd-ID.scope`; of containers in containers the innermost counts. */
export function placeOf(path: string): Place {
  const place: Place = { container: undefined, pod: undefined };
  let above = "";
  for (const step of path.replace(/ \(deleted\)$/, "").split("/")) {
    const name = unescaped(step);
    const pod = POD.exec(name)?.[1];
    if (pod !== undefined) place.pod = pod.replaceAll("_", "-");
    place.container = containerOf(name, above) ?? place.container;
    above = name;
  }
  return place;
}

function containerOf(name: string, above: string): string | undefined {
  const number = CONTAINER.exec(name)?.[1] ?? PREFIXED.exec(name)?.[1];
  if (number !== undefined) return number;
  if (above === "lxc" || above === "lxc.payload") return name === "" ? undefined : name;
  const [, service, machine] = NSPAWN.exec(name) ?? [];
  return LXC.exec(name)?.[1] ?? service ?? machine;
}

/** systemd writes what a name may not have as `\x2d`. */
function unescaped(step: string): string {
  return step.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** A container's number as people know it. */
export function shortNumber(container: string): string {
  return /^[0-9a-f]{64}$/.test(container) ? container.slice(0, SHORT) : container;
}
