import { describe, expect, test } from "vitest";
import { type Place, placeOf } from "../../shim/owner/place";

const ID = "8c3e0a9d5b7f4e21a6c80f1d2e3b4a5968778695a4b3c2d1e0f1029384756abc";
const OTHER = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UID = "2f0c1a5e-7f7b-4e0a-9b0d-5d8e3c2b1a90";
const UID_ = UID.replaceAll("-", "_");

/** Paths as the software writes them: its name, /proc/PID/cgroup's path, and what it is. */
const PATHS: readonly [string, string, Partial<Place>][] = [
  ["Docker with cgroupfs", `/docker/${ID}`, { container: ID }],
  ["Docker with systemd", `/system.slice/docker-${ID}.scope`, { container: ID }],
  ["a process in a group of its own in a container", `/system.slice/docker-${ID}.scope/init.scope`, { container: ID }],
  ["systemd in a container", `/docker/${ID}/system.slice/nginx.service`, { container: ID }],
  ["Kubernetes with cgroupfs", `/kubepods/besteffort/pod${UID}/${ID}`, { container: ID, pod: UID }],
  ["Kubernetes, guaranteed", `/kubepods/pod${UID}/${ID}`, { container: ID, pod: UID }],
  [
    "containerd with systemd",
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    { container: ID, pod: UID },
  ],
  ["CRI-O", `/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope`, { container: ID, pod: UID }],
  [
    "CRI-O with a group inside",
    `/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope/container`,
    { container: ID, pod: UID },
  ],
  ["a static pod", `/kubepods/burstable/pod${OTHER.slice(0, 32)}/${ID}`, { container: ID, pod: OTHER.slice(0, 32) }],
  [
    "containerd in a unit of its own",
    `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    { container: ID, pod: UID },
  ],
  [
    "kind: Kubernetes in a container",
    `/docker/${OTHER}/kubelet/kubepods/besteffort/pod${UID}/${ID}`,
    { container: ID, pod: UID },
  ],
  ["Podman", `/machine.slice/libpod-${ID}.scope/container`, { container: ID }],
  ["Podman without root", `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`, { container: ID }],
  ["Podman's own process", `/machine.slice/libpod-conmon-${ID}.scope`, {}],
  ["nerdctl", `/system.slice/nerdctl-${ID}.scope`, { container: ID }],
  ["ECS", `/ecs/3f1e2d4c5b6a79880716253443526170/${ID}`, { container: ID }],
  [
    "ECS on Fargate",
    "/ecs/3f1e2d4c5b6a79880716253443526170/3f1e2d4c5b6a79880716253443526170-1234567890",
    { container: "3f1e2d4c5b6a79880716253443526170-1234567890" },
  ],
  ["LXC", "/lxc.payload.web/system.slice/nginx.service", { container: "web" }],
  ["LXC before 4", "/lxc/web", { container: "web" }],
  ["nspawn", "/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", { container: "web" }],
  ["a unit", "/system.slice/nginx.service", {}],
  ["a unit of a template", "/system.slice/system-getty.slice/getty@tty1.service", {}],
  ["a unit with an escaped name", "/system.slice/dev\\x2dtools.service", {}],
  ["a session", "/user.slice/user-1000.slice/session-3.scope", {}],
  ["seen from another group's root", `/../../docker-${ID}.scope`, { container: ID }],
  ["a path whose beginning was cut off", `ds-pod${UID_}.slice/cri-containerd-${ID}.scope`, { container: ID, pod: UID }],
  ["a group that was removed", `/docker/${ID} (deleted)`, { container: ID }],
  ["the root", "/", {}],
  ["nothing", "", {}],
  ["a folder with digits", "/mine/0123456789abcdef", {}],
];

describe("the path of a control group tells", () => {
  test.each(PATHS)("%s", (_, path, place) => {
    expect(placeOf(path)).toEqual({ container: undefined, pod: undefined, ...place });
  });
});
