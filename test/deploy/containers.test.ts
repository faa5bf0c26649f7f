/** The image and the DaemonSet: no registry and no cluster is here, so their structure, and what the command knows of them. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { deriveKey, importMaster } from "../../engine/keys";
import { checkMemory } from "../../shim/doctor/memory";
import { listenAddress } from "../../shim/listen/address";
import { namesLoopback } from "../../shim/listen/guard";
import { VERSION } from "../../shim/version";
import { findLoopback } from "../support/capture/loopback";
import { COMMAND, runOf, untilSays } from "../support/command";
import { textOf } from "../support/repository";
import { unknownVariables } from "./variables";

interface Probe {
  httpGet: { host: string; port: number; path: string };
}

interface Container {
  name: string;
  image: string;
  command: string[];
  args: string[];
  env: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
  envFrom: { configMapRef: { name: string } }[];
  securityContext: { runAsUser: number; capabilities: { drop: string[]; add: string[] } } & Record<string, unknown>;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  volumeMounts: { name: string; mountPath: string; subPathExpr?: string }[];
}

interface PodSpec {
  hostNetwork: boolean;
  dnsPolicy: string;
  tolerations: unknown[];
  containers: Container[];
  volumes: ({ name: string } & Record<string, unknown>)[];
}

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
  spec?: {
    selector: { matchLabels: Record<string, string> };
    updateStrategy: { type: string; rollingUpdate: Record<string, number> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

const yaml = textOf("deploy/kubernetes/daemonset.yaml");
const documents = parseAllDocuments(yaml);
const resources = documents.map((one) => one.toJS() as Resource);
const [namespace, configuration, daemonSet] = resources as [Resource, Resource, Resource];
const pod = daemonSet.spec!.template.spec;
const [container] = pod.containers as [Container];

const bytesOf = (quantity: string) => Number.parseInt(quantity, 10) * 2 ** 20;

describe("the DaemonSet", () => {
  test("is read without a fault, in the order in which one thing needs another", () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(resources.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      "v1 Namespace",
      "v1 ConfigMap",
      "apps/v1 DaemonSet",
    ]);
    expect([configuration, daemonSet].map((one) => one.metadata.namespace)).toEqual(Array(2).fill(namespace.metadata.name));
  });

  test("refers to what is there", () => {
    const { selector, template } = daemonSet.spec!;
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(container.envFrom).toEqual([{ configMapRef: { name: configuration.metadata.name } }]);
    const mounted = container.volumeMounts.map(({ name }) => name);
    expect(mounted.sort()).toEqual(pod.volumes.map(({ name }) => name).sort());
    // A variable is put in where it stands behind the one that it names.
    const names = container.env.map(({ name }) => name);
    for (const [index, { value = "" }] of container.env.entries())
      for (const [, used] of value.matchAll(/\$\((\w+)\)/g)) expect(names.slice(0, index)).toContain(used);
    for (const { subPathExpr = "" } of container.volumeMounts)
      for (const [, used] of subPathExpr.matchAll(/\$\((\w+)\)/g)) expect(names).toContain(used);
    expect(container.env[0]).toEqual({ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } });
  });

  test("sees the node's packets with one capability, on every node, one agent each", () => {
    expect([pod.hostNetwork, pod.dnsPolicy, pod.tolerations]).toEqual([
      true,
      "ClusterFirstWithHostNet",
      [{ operator: "Exists" }],
    ]);
    expect(container.securityContext).toMatchObject({
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_RAW"] },
    });
    expect(daemonSet.spec!.updateStrategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  });

  test("is asked how it is where it answers", () => {
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const asked = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet);
    expect(asked.map(({ path }) => path)).toEqual(["/healthz", "/healthz", "/readyz"]);
    for (const { host, port } of asked) {
      expect(listenAddress(configuration.data!.TALLYWIRE_LISTEN!)).toEqual({ kind: "tcp", host, port });
      expect(namesLoopback(`${host}:${port}`)).toBe(true);
    }
  });

  test("has the memory that an agent takes", () => {
    const [, megabytes] =
      /an agent takes up to (\d+) MB/.exec(checkMemory({ options: { listen: configuration.data!.TALLYWIRE_LISTEN } }).found) ??
      [];
    if (process.platform !== "linux") return;
    const { requests, limits } = container.resources;
    expect(Number(megabytes) * 1e6).toBeLessThanOrEqual(bytesOf(requests.memory!));
    expect(bytesOf(requests.memory!)).toBeLessThan(bytesOf(limits.memory!));
  });

  test("gives the command variables that it knows, by a script that a shell reads", async () => {
    expect(await unknownVariables("agent", yaml)).toEqual([]);
    expect(container.command).toEqual(["/bin/sh", "-c"]);
    const { status, stderr } = spawnSync("sh", ["-n"], { input: container.args[0], encoding: "utf8" });
    expect([container.args.length, status, stderr]).toEqual([1, 0, ""]);
    const paths = container.volumeMounts.map(({ mountPath }) => mountPath);
    expect(paths).toContain(/\$\(cat (\S+)\)/.exec(container.args[0]!)?.[1]);
    const spool = container.env.find(({ name }) => name === "TALLYWIRE_SPOOL")!.value!;
    expect(paths.some((path) => spool.startsWith(`${path}/`))).toBe(true);
  });
});

const { name: loopback, missing } = findLoopback();
if (missing !== undefined) console.warn(`what the containers run is not tried: ${missing}`);

test.runIf(missing === undefined)(
  "what a container runs says what is missing, and is then the agent, which is told to end",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tallywire-container-"));
    const key = await deriveKey(await importMaster("a master key that is for tests only"), {
      kind: "write",
      tenant: "acme",
      edge: "node-1.example",
    });
    writeFileSync(join(folder, "key"), `${key}\n`);
    writeFileSync(join(folder, "tallywire"), `#!/bin/sh\nexec ${process.execPath} ${COMMAND} "$@"\n`, { mode: 0o755 });
    const script = container.args[0]!.replace("/etc/tallywire/key", join(folder, "key"));
    const env = {
      PATH: `${folder}:${process.env.PATH}`,
      TALLYWIRE_HUB: "http://127.0.0.1:1",
      TALLYWIRE_INTERFACE: loopback,
      TALLYWIRE_TAGS: "node=node-1.example",
      TALLYWIRE_SPOOL: join(folder, "spool"),
    };
    const child = spawn("/bin/sh", ["-c", script], { env });
    child.stdin.end();
    const run = runOf(child);
    await untilSays(child, /reading interface/);
    child.kill("SIGTERM");
    const { stdout, stderr } = await run;
    rmSync(folder, { recursive: true });
    expect(stdout).toMatch(/^failed +hub +http:\/\/127\.0\.0\.1:1 cannot be reached/m);
    expect(stdout).toMatch(/would not work here: 1 failed/);
    expect(stderr).toContain(`edge node-1.example: reading interface ${loopback}`);
    expect(stderr).toMatch(/\d minutes? sealed, 0 posted, \d wait in /);
  },
  60_000,
);

describe("the image", () => {
  const dockerfile = textOf("deploy/docker/Dockerfile");

  test("takes the package that npm pack makes now, and is named by its version", () => {
    expect(dockerfile).toContain(`ARG PACKAGE=tallywire-${VERSION}.tgz`);
    expect(container.image.endsWith(`/tallywire:${VERSION}`)).toBe(true);
    expect(textOf("deploy/README.md")).toContain(`tallywire-${VERSION}.tgz`);
  });

  test("runs a Node that is new enough, and gives the command variables that it knows", async () => {
    const least = JSON.parse(textOf("package.json")).engines.node as string;
    expect(Number(/^FROM node:(\d+)-/m.exec(dockerfile)?.[1])).toBeGreaterThan(Number.parseInt(least.replace(">=", ""), 10));
    expect(await unknownVariables("agent", dockerfile)).toEqual([]);
    expect(await unknownVariables("agent", textOf("deploy/README.md"))).toEqual([]);
  });
});
