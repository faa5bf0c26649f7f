import type { ContainerList } from "./container-names";
import { criList } from "./cri-list";
import { dockerList } from "./docker-list";

/** Sockets that container runtimes listen on unless told otherwise. */
const DOCKER_SOCKETS = ["/var/run/docker.sock", "/run/podman/podman.sock"];
const CRI_SOCKETS = ["/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock"];
const UNIX = /^unix:\/\/(?=\/)/;

/** Who is asked for names of containers: at the sockets that the variables of docker and crictl say, and at the usual ones without. */
export function runtimeLists({ DOCKER_HOST, CONTAINER_RUNTIME_ENDPOINT }: NodeJS.ProcessEnv): ContainerList[] {
  const docker = socketsOf(DOCKER_HOST, DOCKER_SOCKETS);
  const cri = socketsOf(CONTAINER_RUNTIME_ENDPOINT, CRI_SOCKETS);
  return [...docker.map(dockerList), ...cri.map(criList)];
}

/** A runtime of another host, by tcp or ssh, has none of this host's containers. */
function socketsOf(address: string | undefined, usual: string[]): string[] {
  return address !== undefined && UNIX.test(address) ? [address.replace(UNIX, "")] : usual;
}
