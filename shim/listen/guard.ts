import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { Failure, reasonOf, reasonToWrite } from "../failure";
import { shellWord } from "../shell-word";
import { writeWhole } from "../write-whole";

const TOKEN = /^[\x21-\x7e]{16,512}$/;
const TOKEN_BYTES = 24;
const FOR_OTHERS = 0o077;
const MEND = "leave --token-file out, and one is made beside the spool";
const HOST = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)(?::\d{1,5})?$/i;

/** Reads a token that only its owner may read. Throws Failure. */
export function readToken(path: string): string {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, "utf8").trim();
    mode = statSync(path).mode;
  } catch (cause) {
    throw new Failure(`cannot read the token ${path}: ${reasonOf(cause)}; ${MEND}`, 2, { cause });
  }
  if ((mode & FOR_OTHERS) !== 0) throw new Failure(`others may read the token ${path}; run: chmod 600 ${shellWord(path)}`, 2);
  if (!TOKEN.test(text)) throw new Failure(`${path} holds no token, 16 to 512 characters without spaces on one line; ${MEND}`, 2);
  return text;
}

/** The token at a path, where one is made the first time. Throws Failure. */
export function ownToken(path: string): string {
  if (existsSync(path)) return readToken(path);
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  try {
    writeWhole(path, `${token}\n`);
  } catch (cause) {
    throw new Failure(`cannot make a token at ${path}: ${reasonToWrite(cause)}; give one with --token-file`, 1, { cause });
  }
  return token;
}

/** Whether a request's Authorization carries the token; how long that takes does not depend on the token. */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? "";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether a Host header names loopback: a page whose name was bound to this host's address anew names another. */
export function namesLoopback(host: string | undefined): boolean {
  return host !== undefined && HOST.test(host);
}
