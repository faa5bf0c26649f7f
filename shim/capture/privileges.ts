import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure, reasonOf, reasonToWrite } from "../failure";
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
  /** A folder that it is to write to, with all files in it, in a folder that may be made with it. */
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
  if (folder !== undefined && process.geteuid!() === 0) makeFolderFor(account, resolve(folder));
  try {
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
  if (folder !== undefined) checkFolder(resolve(folder), name);
  const kept = isKept ? ", with CAP_NET_RAW alone for an interface that comes back" : "";
  return `root's rights are given up: from now on this is ${name}${kept}`;
}

/**
 * Makes what is missing of a folder and the one above it, and gives the account the first of them that it makes: in that one it makes the rest
 * itself. Nothing that was there before is given away, since a name of it may lead to somebody else's file by the time that it is used.
 */
function makeFolderFor({ name, user, group }: Account, folder: string): void {
  const missing = [dirname(folder), folder].find((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined);
  if (missing === undefined) return;
  const there = firstThere(dirname(missing));
  // Elsewhere others could put a link in the place of what is made; who owns that place makes it as well.
  if (!isRootsAlone(there)) return;
  const above = join(realpathSync(there), dirname(missing).slice(there.length));
  const made = join(above, basename(missing));
  try {
    mkdirSync(above, { recursive: true, mode: 0o755 });
    mkdirSync(made, { mode: 0o700 });
    chownSync(made, user, group);
  } catch (cause) {
    throw new Failure(`cannot make the folder ${made} for ${name}: ${reasonToWrite(cause)}; name another with --spool`, 1, {
      cause,
    });
  }
}

/** The folder itself, or the next above it that is there. */
function firstThere(folder: string): string {
  return existsSync(folder) ? folder : firstThere(dirname(folder));
}

/** Whether nobody but root can put anything in the place of what root makes in a folder. */
function isRootsAlone(folder: string): boolean {
  const real = realpathSync(folder);
  const { uid, mode } = lstatSync(real);
  const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  return uid === 0 && !isOpen && (dirname(real) === real || isRootsAlone(dirname(real)));
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

/** Makes the folder where that is left to this user, and makes sure that all that is in it can be used. Throws Failure. */
function checkFolder(folder: string, name: string): void {
  const closed = foldersAbove(folder).find((above) => !may(above, constants.X_OK));
  if (closed !== undefined)
    throw new Failure(
      `${name} cannot write to ${folder}: it may not enter ${closed}; name a folder that it reaches with --spool`,
    );
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const inside = readdirSync(folder, { withFileTypes: true, recursive: true });
    const paths = inside.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const denied = [folder, ...paths].find((path) => !may(path, constants.R_OK | constants.W_OK));
    if (denied !== undefined) throw Object.assign(new Error("access is denied"), { code: "EACCES", path: denied });
  } catch (cause) {
    const { code, path = folder } = cause as NodeJS.ErrnoException;
    if (code !== "EACCES") throw new Failure(`cannot use the spool ${folder}: ${reasonOf(cause)}`, 1, { cause });
    const mend = `run: chown -R ${name} ${folder}; or name another with --spool`;
    throw new Failure(`${name} cannot write to ${path}; ${mend}`, 1, { cause });
  }
}

/** All folders that a path leads through, the root first. */
function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}

/** Whether this user has these rights to a file, or it has gone meanwhile. */
function may(path: string, rights: number): boolean {
  try {
    accessSync(path, rights);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
