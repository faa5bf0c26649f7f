import type { OwnedConnection, Owner, OwnerOf, OwnerUnknown } from "../../engine/owner";
import { loadNative, type Native, type NativeOwner } from "../capture/native";
import { ContainerNames } from "./container-names";
import { ControlGroups } from "./control-groups";
import { OwnAddresses } from "./own-addresses";
import { placeOf, shortNumber } from "./place";
import { runtimeLists } from "./runtimes";
import { Users } from "./users";

/** As native/owner.h numbers them; 1 is known. */
const REASONS: Readonly<Record<number, OwnerUnknown>> = { 2: "gone", 3: "hidden", 4: "doubtful", 5: "busy", 6: "shared" };
const KNOWN = 1;

/** Tells whose the connections of this host are. */
export class Owners {
  private readonly groups = new ControlGroups();
  private readonly users = new Users();
  private readonly addresses = new OwnAddresses();

  private constructor(
    private readonly native: Native,
    private readonly names: ContainerNames,
  ) {
    void names.refresh();
    void this.groups.refresh();
  }

  /** Begins to look at who opens connections. Throws where that is not possible, with the reason as its message. */
  static open(native = loadNative(), lists = runtimeLists(process.env)): Owners {
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
    const isServer = end === "server";
    if (!this.addresses.has(isServer ? connection.server : connection.client)) return null;
    const { protocol, client, clientPort, server, serverPort, seconds, nanoseconds } = connection;
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
}
