/**
 * KeyUpdates of OpenSSL's own client and of nginx that the capture has lost: what comes behind them is opened all the same, with the keys that
 * follow from those that are known.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import type { TlsOpener } from "../../engine/tls/opener";
import { keyLogOpener } from "../../shim/tls/opener";
import { recordLengths } from "../support/record-lengths";
import { readRoundTrips } from "../support/round-trips";
import { startNginx } from "../support/servers/nginx";
import { isHere } from "../support/servers/programs";
import { freePort, Stage } from "../support/servers/stage";

const MAY_RUN = isHere("nginx with KeyUpdates, asked by OpenSSL", ["nginx", "openssl"]);
const STEP_MS = 150;
const PATHS = ["a", "b", "c", "d"];
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
/** A record with a KeyUpdate and nothing else: 5 bytes of it, their type, and a tag of 16, behind a header of 5. */
const UPDATE_BYTES = 27;
const UPDATE_HEAD = "1703030016";

const get = (path: string, end = "keep-alive") => `GET /${path}.txt HTTP/1.1\r\nHost: lab.test\r\nConnection: ${end}\r\n\r\n`;
const bodyOf = (path: string) => path.repeat(1000 + 100 * PATHS.indexOf(path));
const told = ({ request, response, marks }: RoundTrip) =>
  `${request?.path} ${response?.statusCode} ${response?.bodyBytes} ${marks.includes("tls")}`;
const expected = (paths: string[]) => paths.map((path) => `/${path}.txt 200 ${bodyOf(path).length} true`);

/** One record of the capture file, and what TCP carries in its packet. */
interface Packet {
  record: Uint8Array;
  isOfServer: boolean;
  payload: Buffer;
}

function packetOf(record: Uint8Array, serverPort: number): Packet {
  const ip = Buffer.from(record.subarray(RECORD_HEADER_BYTES + ETHERNET_BYTES));
  const tcp = ip.subarray((ip[0]! & 15) * 4, ip.readUInt16BE(2));
  return { record, isOfServer: tcp.readUInt16BE(0) === serverPort, payload: tcp.subarray((tcp[12]! >> 4) * 4) };
}

describe.runIf(MAY_RUN)("KeyUpdates that the capture has lost", () => {
  const stage = MAY_RUN ? new Stage("tls-updates") : undefined;
  let head: Uint8Array = new Uint8Array(0);
  const packets: Packet[] = [];

  /** What the capture tells, on both sides, without the packets that `isLost` says. */
  function without(
    isLost: (packet: Packet, index: number) => boolean,
    opener: TlsOpener = keyLogOpener(stage!.path("keys.log")),
  ) {
    const kept = packets.filter((packet, index) => !isLost(packet, index)).map(({ record }) => record);
    const trips = readRoundTrips(Buffer.concat([head, ...kept]), { tlsOpener: opener });
    return trips.filter(({ protocol, request, response }) => protocol === "http" && request && response).map(told);
  }

  const isUpdate = ({ payload }: Packet) =>
    payload.length === UPDATE_BYTES && payload.toString("hex", 0, UPDATE_HEAD.length / 2) === UPDATE_HEAD;
  const updatesOf = (isOfServer: boolean) =>
    packets.flatMap((packet, index) => (isUpdate(packet) && packet.isOfServer === isOfServer ? [index] : []));

  beforeAll(async () => {
    const subject = ["-subj", "/CN=lab.test", "-keyout", stage!.path("key.pem"), "-out", stage!.path("cert.pem")];
    stage!.run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject]);
    for (const path of PATHS) writeFileSync(stage!.path(`${path}.txt`), bodyOf(path));
    const port = await freePort();
    const certificate = `ssl_certificate ${stage!.path("cert.pem")}; ssl_certificate_key ${stage!.path("key.pem")};`;
    const versions = "ssl_protocols TLSv1.3;";
    await startNginx(stage!, port, `${certificate} ${versions} server { listen 127.0.0.1:${port} ssl; }`);
    await stage!.record(port);
    const words = ["s_client", "-connect", `127.0.0.1:${port}`, "-keylogfile", stage!.path("keys.log"), "-tls1_3"];
    const client = spawn("openssl", words, { stdio: ["pipe", "ignore", "ignore"], cwd: stage!.folder });
    const ended = once(client, "close");
    await sleep(2 * STEP_MS);
    // A line of K changes the client's keys and asks the server for new ones.
    for (const step of [get("a"), "K\n", get("b"), "K\n", get("c"), get("d", "close")]) {
      client.stdin.write(step);
      await sleep(STEP_MS);
    }
    client.stdin.end();
    await ended;
    const file = await stage!.recorded();
    let at = 0;
    for (const length of recordLengths(file)) {
      if (at === 0) head = file.subarray(0, length);
      else if (at < file.length) packets.push(packetOf(file.subarray(at, at + length), port));
      at += length;
    }
  }, 60_000);

  afterAll(() => stage?.end());

  test("without loss all is there, and both sides changed their keys twice", () => {
    expect(without(() => false)).toEqual(expected(PATHS));
    expect([updatesOf(false).length, updatesOf(true).length]).toEqual([2, 2]);
  });

  test.each([0, 1])("the client's number %i alone, the server's alone, and both", (number) => {
    const [client, server] = [updatesOf(false)[number]!, updatesOf(true)[number]!];
    for (const lost of [[client], [server], [client, server]]) {
      const found = without((_, index) => lost.includes(index));
      expect(found.filter((line) => !expected(PATHS).includes(line))).toEqual([]);
      // Whose request comes right behind the loss is not sure: something else may have been asked before it.
      expect(found).toEqual(expect.arrayContaining(expected(["a", "d"])));
    }
  });

  test("all that was said between two of them, with both", () => {
    const first = Math.min(updatesOf(false)[0]!, updatesOf(true)[0]!);
    const last = Math.max(updatesOf(false)[1]!, updatesOf(true)[1]!);
    const found = without((_, index) => index >= first && index <= last);
    expect(found.filter((line) => !expected(["a", "c", "d"]).includes(line))).toEqual([]);
    expect(found).toEqual(expect.arrayContaining(expected(["a", "d"])));
  });

  test("any one packet, and any three that follow each other: nothing is told that was not said", () => {
    for (const count of [1, 3]) {
      for (let first = 0; first < packets.length; first++) {
        const found = without((_, index) => index >= first && index < first + count);
        expect(found.filter((line) => !expected(PATHS).includes(line))).toEqual([]);
        expect(new Set(found).size).toBe(found.length);
      }
    }
  });

  test("who does not look ahead opens nothing more of that side", () => {
    const opener = keyLogOpener(stage!.path("keys.log"));
    const record: TlsOpener["record"] = (keys, sender, sequence, sealed, target, ahead) =>
      ahead > 0 ? -1 : opener.record(keys, sender, sequence, sealed, target, 0);
    const short: TlsOpener = {
      hasOthers: true,
      open: (question) => opener.open(question),
      record,
      next: (keys, sender) => opener.next(keys, sender),
      close: (keys) => opener.close(keys),
    };
    expect(without((_, index) => index === updatesOf(true)[0], short)).toEqual(expected(["a"]));
  });
});
