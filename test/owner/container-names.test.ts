/** Names of containers from runtimes: servers that speak Docker's HTTP and Kubernetes' gRPC on sockets of their own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createPlainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server as GrpcServer, loadPackageDefinition, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, describe, expect, test } from "vitest";
import { type ContainerList, ContainerNames } from "../../shim/owner/container-names";
import { criList } from "../../shim/owner/cri-list";
import { dockerList } from "../../shim/owner/docker-list";

const folder = mkdtempSync(join(tmpdir(), "names-"));
const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
  rmSync(folder, { recursive: true });
});

const WEB = "8dfafdbc3a40d1c9e3f5a7b8c6d4e2f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9";
const SHOP = "9cd87474be90d1c9e3f5a7b8c6d4e2f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d0";

/** As Docker 28 answers `GET /containers/json`, of one that Compose started and one of cri-dockerd's. */
const DOCKER = [
  {
    Id: WEB,
    Names: ["/web_client/shop_alias", "/shop-web-1"],
    Image: "nginx:latest",
    ImageID: "sha256:d74508fb6632491cea586a1fd7d748dfc5274cd6fdfedee309ecdcbc2bf5cb82",
    Command: "/docker-entrypoint.sh nginx -g 'daemon off;'",
    Created: 1732700000,
    Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
    Labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" },
    State: "running",
    Status: "Up 3 minutes",
    HostConfig: { NetworkMode: "shop_default" },
    NetworkSettings: { Networks: { shop_default: { IPAddress: "172.18.0.2" } } },
    Mounts: [],
  },
  {
    Id: SHOP,
    Names: ["/k8s_cart_cart-7d4b9_shop_2f0c1a5e-7f7b-4e0a-9b0d-5d8e3c2b1a90_0"],
    Image: "cart",
    Labels: {
      "io.kubernetes.container.name": "cart",
      "io.kubernetes.pod.name": "cart-7d4b9",
      "io.kubernetes.pod.namespace": "shop",
      "io.kubernetes.pod.uid": "2f0c1a5e-7f7b-4e0a-9b0d-5d8e3c2b1a90",
    },
    State: "running",
  },
];

async function httpOn(name: string, listener: RequestListener): Promise<string> {
  const path = join(folder, name);
  const server: Server = createServer(listener).listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  closers.push(() => server.close());
  return path;
}

describe("Docker", () => {
  test("lists containers with their own names and those of pods", async () => {
    const asked: string[] = [];
    const path = await httpOn("docker.sock", ({ method, url, headers }, answer) => {
      asked.push(`${method} ${url} of ${headers.host}`);
      answer.setHeader("content-type", "application/json").end(JSON.stringify(DOCKER));
    });
    expect(await dockerList(path)()).toEqual([
      { number: WEB, name: "shop-web-1" },
      { number: SHOP, name: "cart", pod: "shop/cart-7d4b9" },
    ]);
    expect(asked).toEqual(["GET /containers/json of localhost"]);
  });

  test("may answer anything", async () => {
    const answers = ["", "null", "[null,1,{}]", '{"message":"client version 1.24 is too old"}', '[{"Id":1,"Names":[2]}]'];
    let next = 0;
    const path = await httpOn("odd.sock", (_, answer) => void answer.end(answers[next++]));
    await expect(dockerList(path)()).rejects.toThrow();
    for (let rest = 1; rest < answers.length; rest++) await expect(dockerList(path)()).resolves.toEqual([]);
  });

  test("may refuse, be silent, say too much, or not be there", async () => {
    const refusing = await httpOn("refusing.sock", (_, answer) => void answer.writeHead(403).end("no"));
    const silent = await httpOn("silent.sock", () => {});
    const endless = await httpOn("endless.sock", (_, answer) => {
      const more = () => answer.write(Buffer.alloc(1 << 16)) && setImmediate(more);
      answer.on("drain", more);
      more();
    });
    await expect(dockerList(refusing)()).rejects.toThrow("403");
    await expect(dockerList(silent)()).rejects.toThrow();
    await expect(dockerList(endless)()).rejects.toThrow("too long");
    await expect(dockerList(join(folder, "none.sock"))()).rejects.toThrow("ENOENT");
  });
});

/** The part of kubernetes/cri-api's runtime/v1/api.proto that is asked for. */
const PROTO = `syntax = "proto3";
package runtime.v1;
service RuntimeService { rpc ListContainers(ListContainersRequest) returns (ListContainersResponse) {} }
message ContainerFilter { string id = 1; string pod_sandbox_id = 3; map<string, string> label_selector = 4; }
message ListContainersRequest { ContainerFilter filter = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message ImageSpec { string image = 1; map<string, string> annotations = 2; }
enum ContainerState { CONTAINER_CREATED = 0; CONTAINER_RUNNING = 1; CONTAINER_EXITED = 2; CONTAINER_UNKNOWN = 3; }
message Container {
  string id = 1;
  string pod_sandbox_id = 2;
  ContainerMetadata metadata = 3;
  ImageSpec image = 4;
  string image_ref = 5;
  ContainerState state = 6;
  int64 created_at = 7;
  map<string, string> labels = 8;
  map<string, string> annotations = 9;
}
message ListContainersResponse { repeated Container containers = 1; }
`;

async function grpcOn(name: string, containers: readonly object[]): Promise<string> {
  const proto = join(folder, `${name}.proto`);
  writeFileSync(proto, PROTO);
  const root = loadPackageDefinition(loadSync(proto, { keepCase: true, longs: Number })) as unknown as {
    runtime: { v1: { RuntimeService: { service: ServiceDefinition } } };
  };
  const server = new GrpcServer();
  server.addService(root.runtime.v1.RuntimeService.service, {
    ListContainers: (_: unknown, answer: (error: null, response: object) => void) => answer(null, { containers }),
  });
  const path = join(folder, `${name}.sock`);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  closers.push(() => server.forceShutdown());
  return path;
}

const container = (id: string, pod: string) => ({
  id,
  pod_sandbox_id: WEB,
  metadata: { name: "cart", attempt: 2 },
  image: { image: "sha256:d74508fb6632491cea586a1fd7d748dfc5274cd6fdfedee309ecdcbc2bf5cb82" },
  state: "CONTAINER_RUNNING",
  created_at: "1732700000123456789",
  labels: {
    "io.kubernetes.container.name": "cart",
    "io.kubernetes.pod.name": pod,
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "2f0c1a5e-7f7b-4e0a-9b0d-5d8e3c2b1a90",
  },
  annotations: { "io.kubernetes.container.restartCount": "2" },
});

describe("Kubernetes' runtimes", () => {
  test("list containers with their pods", async () => {
    const path = await grpcOn("containerd", [container(SHOP, "cart-1"), { id: WEB, metadata: { name: "alone" } }]);
    expect(await criList(path)()).toEqual([
      { number: SHOP, name: "cart", pod: "shop/cart-1" },
      { number: WEB, name: "alone" },
    ]);
  });

  test("list more than fits into one frame", async () => {
    const many = Array.from({ length: 2000 }, (_, index) => container(index.toString(16).padStart(64, "0"), `cart-${index}`));
    const listed = await criList(await grpcOn("many", many))();
    expect(listed.map(({ pod }) => pod)).toEqual(many.map((_, index) => `shop/cart-${index}`));
  });

  test("may be another server, or none", async () => {
    const web = await httpOn("web.sock", (_, answer) => void answer.end("hello"));
    const path = join(folder, "odd-cri.sock");
    const odd = createPlainServer((socket) => socket.end("hello")).listen(path);
    await new Promise((resolve) => odd.once("listening", resolve));
    closers.push(() => odd.close());
    await expect(criList(web)()).rejects.toThrow();
    await expect(criList(path)()).rejects.toThrow();
    await expect(criList(join(folder, "none.sock"))()).rejects.toThrow();
  });
});

describe("names", () => {
  test("are asked for once a second at most, in the background", async () => {
    let nowMs = 1_000_000;
    let asked = 0;
    const list: ContainerList = async () => {
      asked += 1;
      return asked === 1 ? [{ number: WEB, name: "web" }] : [{ number: SHOP, name: "cart", pod: "shop/cart-1" }];
    };
    const names = new ContainerNames([list], () => nowMs);
    expect(names.nameOf(WEB)).toBeUndefined();
    await names.refresh();
    expect(names.nameOf(WEB)).toEqual({ name: "web" });
    for (let times = 0; times < 10; times++) expect(names.nameOf(SHOP)).toBeUndefined();
    await names.refresh();
    expect(asked).toBe(1);
    nowMs += 1000;
    expect(names.nameOf(SHOP)).toBeUndefined();
    await names.refresh();
    expect(names.nameOf(SHOP)).toEqual({ name: "cart", pod: "shop/cart-1" });
    // A container that has ended keeps its name for what is still asked of it.
    expect(names.nameOf(WEB)).toEqual({ name: "web" });
    expect(asked).toBe(2);
  });

  test("are asked for once a minute of a runtime that does not answer", async () => {
    let nowMs = 1_000_000;
    let asked = 0;
    const names = new ContainerNames(
      [
        async () => {
          asked += 1;
          throw new Error("not there");
        },
      ],
      () => nowMs,
    );
    for (let seconds = 0; seconds < 120; seconds++) {
      names.nameOf(WEB);
      await names.refresh();
      nowMs += 1000;
    }
    expect(asked).toBe(2);
  });

  test("are kept of the last few thousand containers", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ number: String(index), name: `n${index}` }));
    const names = new ContainerNames([async () => many]);
    await names.refresh();
    expect(names.nameOf("4999")).toEqual({ name: "n4999" });
    expect(names.nameOf("0")).toBeUndefined();
  });
});
