import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure";
import { loadNative } from "./native";

/** Somebody who is not root. */
export interface Account {
  name: string;
  user: number;
  group: number;
}

/** What is left to an account. */
export interface Left {
  /** Whether it may open further sockets that capture. */
  mayCapture: boolean;
  /** A folder that it is to own with all files in it. */
  folder?: string;
}

/** CAP_NET_RAW as a bit. */
const CAP_NET_RAW = 1 << 13;

/** Who NAME[:GROUP] is, by this host's /etc/passwd and /etc/group; numbers stand for themselves. Throws Failure. */
function accountOf(words: string): Account {
  const [, name = "", groupName] = /^([^:]+)(?::([^:]+))?$/.exec(words) ?? [];
  if (name === "") throw new Failure(`"${words}" is no user; write NAME or NAME:GROUP`, 2);
  const entry = entryOf("/etc/passwd", name);
  const user = numberOf(entry?.[2]) ?? numberOf(name);
  if (user === undefined) throw new Failure(`there is no user ${name} on this host`, 2);
  const named = groupName === undefined ? entry?.[3] : (entryOf("/etc/group", groupName)?.[2] ?? groupName);
  const group = numberOf(named);
  if (group === undefined && groupName !== undefined) throw new Failure(`there is no group ${groupName} on this host`, 2);
  if (group === undefined) throw new Failure(`user ${name} has no group of its own; write ${name}:GROUP`, 2);
  if (user === 0) throw new Failure("--user root would give nothing up; name another", 2);
  return { name, user, group };
}

/** Who a command is to become, if anybody; only one that captures. Throws Failure. */
export function accountFor(words: string | undefined, isLive: boolean): Account | undefined {
  if (words === undefined) return undefined;
  if (!isLive) throw new Failure("--user is for captures of interfaces: of a file, be who may read it", 2);
  return accountOf(words);
}

/** The fields of the line of a name or a number. */
function entryOf(path: string, name: string): string[] | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const entries = text.split("\n").map((line) => line.split(":"));
  return entries.find((fields) => fields[0] === name) ?? entries.find((fields) => fields[2] === name);
}

function numberOf(text = ""): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/**
 * Becomes an account, for good: its user, its one group, and no right but what is left to it. Gives a line that says so. Throws Failure
 * where anything is not as it should be, after which the process is to end.
 */
export function becomeAccount(account: Account, { mayCapture, folder }: Left): string {
  const { name, user, group } = account;
  const native = loadNative();
  try {
    if (folder !== undefined) give(realpathSync(folder), account);
    if (mayCapture) native?.keepCapabilities();
    process.setgroups!([group]);
    process.setgid!(group);
    process.setuid!(user);
    if (process.platform === "linux") native?.limitCapabilities(mayCapture ? CAP_NET_RAW : 0);
  } catch (cause) {
    throw new Failure(`cannot become ${name}, which takes root: ${(cause as Error).message}`, 1, { cause });
  }
  const isKept = mayCapture && native !== undefined && process.platform === "linux";
  verify(account, isKept ? CAP_NET_RAW : 0);
  if (folder !== undefined) checkFolder(folder, name);
  const kept = isKept ? ", with CAP_NET_RAW alone for an interface that comes back" : "";
  return `root's rights are given up: from now on this is ${name}${kept}`;
}

/** Gives a folder and the files in it away. What is no plain file with one name is left: it may be somebody else's. */
function give(folder: string, account: Account): void {
  own(folder, account, "isDirectory");
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) give(path, account);
    else if (entry.isFile()) own(path, account, "isFile");
  }
}

function own(path: string, { user, group }: Account, kind: "isDirectory" | "isFile"): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // It was posted meanwhile.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    const state = fstatSync(file);
    if (state[kind]() && (kind === "isDirectory" || state.nlink === 1)) fchownSync(file, user, group);
  } finally {
    closeSync(file);
  }
}

/** Makes sure that all threads are the account's, and that none may more than is left. */
function verify({ name, user, group }: Account, left: number): void {
  const isOwn =
    process.getuid!() === user && process.geteuid!() === user && process.getgid!() === group && process.getegid!() === group;
  const isAlone = process.getgroups!().every((one) => one === group);
  if (!isOwn || !isAlone || !threadsMay(user, left)) throw new Failure(`cannot become ${name}: some of root's rights are left`);
}

function threadsMay(user: number, left: number): boolean {
  if (process.platform !== "linux") return true;
  return readdirSync("/proc/self/task").every((thread) => {
    const path = `/proc/self/task/${thread}/status`;
    // A thread may have ended meanwhile.
    if (!existsSync(path)) return true;
    const status = readFileSync(path, "utf8");
    const users = /^Uid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/);
    const sets = [...status.matchAll(/^Cap(?:Prm|Eff):\s+([0-9a-f]+)$/gm)];
    return (
      users?.every((one) => Number(one) === user) === true &&
      sets.every(([, bits]) => (BigInt(`0x${bits}`) & ~BigInt(left)) === 0n)
    );
  });
}

function checkFolder(folder: string, name: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Failure(`${name} cannot write to ${folder}; name a folder that it reaches with --spool`, 1, { cause });
  }
}
