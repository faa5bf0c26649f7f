import { networkInterfaces } from "node:os";
import type { OwnedConnection, Owner, OwnerOf, OwnerUnknown } from "../../engine/owner";
import { loadNative, type Native, type NativeOwner } from "../capture/native";
import { ContainerNames } from "./container-names";
import { ControlGroups } from "./control-groups";
import { criList } from "./cri-list";
import { dockerList } from "./docker-list";
import { placeOf, shortNumber } from "./place";
import { Users } from "./users";

/** As native/owner.h numbers them; 1 is known. */
const REASONS: Readonly<Record<number, OwnerUnknown>> = { 2: "gone", 3: "hidden", 4: "doubtful", 5: "busy" };
const KNOWN = 1;
/** Sockets that container runtimes listen on. */
const DOCKER_SOCKETS = ["/var/run/docker.sock", "/run/podman/podman.sock"];
const CRI_SOCKETS = ["/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock"];
/** How long this host's addresses are taken for what they were, ms. */
const ADDRESSES_MS = 2000;
const LOOPBACK_V4 = 127;

/** Tells whose the connections of this host are. */
export class Owners {
  private readonly groups = new ControlGroups();
  private readonly users = new Users();
  private addresses = new Set<string>();
  private addressesMs = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly native: Native,
    private readonly names: ContainerNames,
  ) {
    void names.refresh();
    void this.groups.refresh();
  }

  /** Begins to look at who opens connections. Throws where that is not possible, with the reason as its message. */
  static open(native = loadNative(), lists = [...DOCKER_SOCKETS.map(dockerList), ...CRI_SOCKETS.map(criList)]): Owners {
    if (native === undefined) throw new Error("that takes the addon");
    native.openOwners();
    return new Owners(native, new ContainerNames(lists));
  }

  /** Ends it. */
  close(): void {
    this.native.closeOwners();
  }

  /** What a core asks. */
  readonly ownerOf: OwnerOf = (end, connection) => this.find(end, connection);

  private find(end: "client" | "server", connection: OwnedConnection): Owner | null | undefined {
    const { protocol, client, clientPort, server, serverPort, seconds, nanoseconds } = connection;
    const isServer = end === "server";
    if (!this.isOwn(isServer ? server : client)) return null;
    const [local, localPort, remote, remotePort] = isServer
      ? ([server, serverPort, client, clientPort] as const)
      : ([client, clientPort, server, serverPort] as const);
    const turned = isServer ? 1 : 0;
    const found = this.native.findOwner(turned, protocol, local, localPort, remote, remotePort, 0, seconds, nanoseconds);
    return found && this.described(found);
  }

  private described({ outcome, user, cgroup, pid, command, cgroupPath }: NativeOwner): Owner {
    const path = outcome === KNOWN ? cgroupPath : cgroup === undefined ? undefined : this.groups.pathOf(cgroup);
    const place = placeOf(path ?? "");
    const name = place.container === undefined ? undefined : this.names.nameOf(place.container);
    return {
      process: command,
      pid,
      // Who a number is in a container, its own list says.
      user: user === undefined ? undefined : place.container === undefined ? this.users.nameOf(user) : String(user),
      container: name?.name ?? (place.container && shortNumber(place.container)),
      pod: name?.pod ?? place.pod,
      unknown: REASONS[outcome],
    };
  }

  private isOwn(address: Uint8Array): boolean {
    if (address.length === 4 && address[0] === LOOPBACK_V4) return true;
    const nowMs = Date.now();
    if (nowMs - this.addressesMs >= ADDRESSES_MS) {
      this.addressesMs = nowMs;
      const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      this.addresses = new Set(all.map((one) => Buffer.from(bytesOf(one.address)).toString("hex")));
    }
    return this.addresses.has(Buffer.from(address).toString("hex"));
  }
}

/** The bytes of an address as a text. */
function bytesOf(text: string): number[] {
  if (!text.includes(":")) return text.split(".").map(Number);
  const [head = "", tail = ""] = text.replace(/%.*$/, "").split("::");
  const words = (part: string) =>
    part
      .split(":")
      .filter(Boolean)
      .flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]);
  const [first, last] = [words(head), words(tail)];
  return [...first, ...Array<number>(16 - first.length - last.length).fill(0), ...last];
}
