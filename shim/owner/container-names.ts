/** What a container is called. */
export interface ContainerName {
  name: string;
  /** Namespace and name of its Kubernetes pod. */
  pod?: string;
}

/** A container as its runtime lists it. */
export interface ListedContainer extends ContainerName {
  /** Its number. */
  number: string;
}

/** Asks a runtime for all of its containers. Rejects where it is not there or does not answer. */
export type ContainerList = () => Promise<ListedContainer[]>;

const KNOWN_MAX = 4096;
/** A runtime is asked again for a container that is not in its list after this, ms, and one that does not answer after longer. */
const AGAIN_MS = 1000;
const SILENT_MS = 60_000;

interface Runtime {
  list: ContainerList;
  /** When it may be asked again. */
  nextMs: number;
}

/** The labels by which kubelets say what pod a container is in. */
const POD_NAME = "io.kubernetes.pod.name";
const POD_NAMESPACE = "io.kubernetes.pod.namespace";
const KUBERNETES_NAME = "io.kubernetes.container.name";

/** What labels and a runtime's own name make of a container. */
export function containerName(own: string, labels: Readonly<Record<string, string>>): ContainerName {
  const { [POD_NAME]: pod, [POD_NAMESPACE]: namespace, [KUBERNETES_NAME]: name } = labels;
  if (pod === undefined) return { name: own };
  return { name: name ?? own, pod: `${namespace ?? "default"}/${pod}` };
}

/** Names of containers, as the runtimes of this host tell them. Asked for in the background: nothing waits for a runtime. */
export class ContainerNames {
  private readonly known = new Map<string, ContainerName>();
  private readonly runtimes: Runtime[];
  private asking: Promise<void> | undefined;

  constructor(
    lists: readonly ContainerList[],
    private readonly now: () => number = () => performance.now(),
  ) {
    this.runtimes = lists.map((list) => ({ list, nextMs: 0 }));
  }

  /** What a container is called; undefined where that is not known, or not yet. */
  nameOf(number: string): ContainerName | undefined {
    const name = this.known.get(number);
    if (name === undefined) void this.refresh();
    return name;
  }

  /** Asks the runtimes whose turn it is; resolves when they have answered. */
  refresh(): Promise<void> {
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  private async ask(): Promise<void> {
    const nowMs = this.now();
    await Promise.all(this.runtimes.filter(({ nextMs }) => nextMs <= nowMs).map((runtime) => this.askOne(runtime)));
  }

  private async askOne(runtime: Runtime): Promise<void> {
    try {
      for (const { number, ...name } of await runtime.list()) this.note(number, name);
      runtime.nextMs = this.now() + AGAIN_MS;
    } catch {
      // It is not there, or is none of those that are understood: numbers stand for names.
      runtime.nextMs = this.now() + SILENT_MS;
    }
  }

  private note(number: string, name: ContainerName): void {
    this.known.delete(number);
    this.known.set(number, name);
    const [oldest] = this.known.keys();
    if (this.known.size > KNOWN_MAX && oldest !== undefined) this.known.delete(oldest);
  }
}
