/** Docker and containerd as they are installed here, each with folders and a socket of its own, and an image that is busybox. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ROOT } from "../repository";
import { programPath } from "../servers/programs";

const BUSYBOX = "/bin/busybox";
const READY_MS = 30_000;
/** The network of the host, of which alone there are owners. */
const NODE = 2;
const IMAGE = "docker.io/library/busybox:latest";

/** Why there are no runtimes to meet here; undefined where there are. */
export const runtimesMissing = ["dockerd", "docker", "containerd", "ctr", "runc"].every(programPath)
  ? process.getuid?.() === 0 && existsSync(BUSYBOX)
    ? undefined
    : "it takes root, and busybox-static"
  : "it takes docker.io";

/** A program that serves until it is told to end. */
class Daemon {
  private said = "";

  protected constructor(
    private readonly child: ChildProcess,
    readonly socket: string,
  ) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (text) => (this.said = (this.said + text).slice(-4000)));
  }

  protected static begin(program: string, words: string[]): ChildProcess {
    return spawn(programPath(program)!, words, { stdio: ["ignore", "pipe", "pipe"] });
  }

  protected async ready(isUp: () => boolean): Promise<void> {
    for (const latest = Date.now() + READY_MS; Date.now() < latest; await sleep(100)) {
      if (this.child.exitCode !== null) break;
      if (existsSync(this.socket) && isUp()) return;
    }
    throw new Error(`it does not serve: ${this.said}`);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }
}

const succeeds = (run: () => unknown) => {
  try {
    run();
    return true;
  } catch {
    return false;
  }
};

/** Docker, whose containers have the host's network. */
export class Docker extends Daemon {
  private mounted = "";

  static async start(folder: string): Promise<Docker> {
    const socket = join(folder, "docker.sock");
    const folders = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "-p", join(folder, "docker.pid")];
    const network = ["--iptables=false", "--ip6tables=false", "--bridge=none"];
    const words = ["-H", `unix://${socket}`, "--storage-driver=vfs", ...folders, ...network];
    const docker = new Docker(Daemon.begin("dockerd", words), socket);
    docker.mounted = join(folder, "exec/netns/default");
    await docker.ready(() => succeeds(() => docker.run("version")));
    const root = join(folder, "root");
    mkdirSync(join(root, "bin"), { recursive: true });
    copyFileSync(BUSYBOX, join(root, "bin/busybox"));
    symlinkSync("busybox", join(root, "bin/sh"));
    const archive = join(folder, "root.tar");
    execFileSync("tar", ["-c", "-f", archive, "-C", root, "."]);
    docker.run("import", "-c", 'CMD ["/bin/busybox", "sleep", "600"]', archive, "busybox");
    return docker;
  }

  /** Ends it with its containers, and takes away what it leaves mounted: the network that they had. */
  override async end(): Promise<void> {
    const containers = this.run("ps", "-aq").split("\n").filter(Boolean);
    if (containers.length > 0) this.run("rm", "-f", ...containers);
    await super.end();
    if (existsSync(this.mounted)) execFileSync("umount", [this.mounted]);
  }

  /** Runs `docker` with these words; gives what it prints. */
  run(...words: string[]): string {
    const env = { ...process.env, DOCKER_HOST: `unix://${this.socket}` };
    return execFileSync("docker", words, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] });
  }
}

type Call = (request: object, done: (error: Error | null, answer: Record<string, string>) => void) => void;

const PROTO = join(ROOT, "test/support/runtimes/cri.proto");

/** A pod as a kubelet names it. */
export interface Pod {
  name: string;
  namespace: string;
  uid: string;
}

/** containerd with its runtime interface of Kubernetes'. */
export class Containerd extends Daemon {
  private client: (Client & Record<string, Call>) | undefined;
  private readonly pods: string[] = [];

  /** Begins with an image that `docker save` wrote. */
  static async start(folder: string, image: string): Promise<Containerd> {
    const socket = join(folder, "containerd.sock");
    const configuration = join(folder, "containerd.toml");
    writeFileSync(configuration, configurationOf(folder, socket));
    const containerd = new Containerd(Daemon.begin("containerd", ["-c", configuration]), socket);
    await containerd.ready(() => succeeds(() => containerd.ctr("version")));
    containerd.ctr("images", "import", image);
    return containerd;
  }

  /** Runs a container in a pod of its own. */
  async runPod(pod: Pod, container: string, command: string[]): Promise<void> {
    const labels = {
      "io.kubernetes.pod.name": pod.name,
      "io.kubernetes.pod.namespace": pod.namespace,
      "io.kubernetes.pod.uid": pod.uid,
    };
    const security_context = { namespace_options: { network: NODE } };
    const linux = { cgroup_parent: `/kubepods/besteffort/pod${pod.uid}`, security_context };
    const sandbox = { metadata: pod, labels, linux };
    const { pod_sandbox_id } = await this.ask("RunPodSandbox", { config: sandbox });
    this.pods.push(pod_sandbox_id!);
    const config = {
      metadata: { name: container },
      image: { image: IMAGE },
      command,
      labels: { ...labels, "io.kubernetes.container.name": container },
      linux: { security_context },
    };
    const { container_id } = await this.ask("CreateContainer", { pod_sandbox_id, config, sandbox_config: sandbox });
    await this.ask("StartContainer", { container_id });
  }

  /** Pods outlive their runtime, so they end first. */
  override async end(): Promise<void> {
    for (const pod_sandbox_id of this.pods) await this.ask("RemovePodSandbox", { pod_sandbox_id });
    this.client?.close();
    await super.end();
  }

  private ctr(...words: string[]): void {
    execFileSync("ctr", ["-a", this.socket, "-n", "k8s.io", ...words], { stdio: "ignore" });
  }

  private ask(method: string, request: object): Promise<Record<string, string>> {
    this.client ??= clientOf(this.socket);
    const call = this.client[method]!.bind(this.client);
    return new Promise((done, failed) => call(request, (error, answer) => (error ? failed(error) : done(answer))));
  }
}

function clientOf(socket: string): Client & Record<string, Call> {
  const definition = loadPackageDefinition(loadSync(PROTO, { keepCase: true })) as unknown as {
    runtime: { v1: { RuntimeService: ServiceClientConstructor } };
  };
  const client = new definition.runtime.v1.RuntimeService(`unix://${socket}`, credentials.createInsecure());
  return client as unknown as Client & Record<string, Call>;
}

function configurationOf(folder: string, socket: string): string {
  return `version = 2
root = "${join(folder, "containerd")}"
state = "${join(folder, "state")}"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`;
}
