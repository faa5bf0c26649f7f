/**
 * The commands that redis itself has: where their keys stand, and which of them are more than a question and an answer.
 *
 * A command that is not here is read like any other; what a module's command (a name with a dot) has as its first argument is
 * taken for its key, as modules have it.
 */

/** Which arguments of a command are keys; argument 0 is the command. */
export class KeyRule {
  static readonly UNKNOWN: u32 = 0;
  static readonly NONE: u32 = 1;
  /** Argument 1. */
  static readonly FIRST: u32 = 2;
  /** All arguments. */
  static readonly ALL: u32 = 3;
  /** Every other argument. */
  static readonly PAIRS: u32 = 4;
  /** All but the last. */
  static readonly BUT_LAST: u32 = 5;
  /** Arguments 1 and 2. */
  static readonly TWO: u32 = 6;
  /** Argument 2, behind a subcommand. */
  static readonly SECOND: u32 = 7;
  /** All from argument 2 on. */
  static readonly FROM_SECOND: u32 = 8;
  /** As many as argument 1 says, from argument 2 on. */
  static readonly COUNTED: u32 = 9;
  /** As many as argument 2 says, from argument 3 on. */
  static readonly COUNTED_SECOND: u32 = 10;
  /** Argument 1, and as many as argument 2 says. */
  static readonly STORED: u32 = 11;
  /** The first half of what stands behind the word STREAMS. */
  static readonly STREAMS: u32 = 12;
  /** Argument 3. */
  static readonly THIRD: u32 = 13;
  /** A module's command: argument 1, and nobody knows which others. */
  static readonly MODULE: u32 = 14;
}

/** What a command means beyond a question and an answer. */
export class CommandKind {
  static readonly PLAIN: u32 = 0;
  /** It waits for as long as it wants. */
  static readonly BLOCKS: u32 = 1;
  static readonly SUBSCRIBES: u32 = 2;
  static readonly UNSUBSCRIBES: u32 = 3;
  static readonly SELECT: u32 = 4;
  static readonly MONITOR: u32 = 5;
  /** The server sends its data and then every command that changes it. */
  static readonly REPLICATES: u32 = 6;
  static readonly RESET: u32 = 7;
  static readonly CLIENT: u32 = 8;
  static readonly EXEC: u32 = 9;
  /** Its first argument is part of its name. */
  static readonly CONTAINER: u32 = 10;
  /** It says little of what protocol is spoken: others have a line of the same name. */
  static readonly COMMON: u32 = 11;
  /** Those behind it are answered together, by EXEC. */
  static readonly MULTI: u32 = 12;
}

const SLOTS: u32 = 1024;
/** {name u32, length u8, rule u8, kind u8, secret u8} a slot; the name is a run of a static string's letters. */
const TABLE: usize = memory.data(8 * 1024, 4);

/** The command that was looked up last. */
export class CommandFound {
  static rule: u32 = 0;
  static kind: u32 = 0;
  static isSecret: bool = false;
}

function step(hash: u32, letter: u32): u32 {
  return (hash ^ letter) * 0x01000193;
}

function slotOf(hash: u32): u32 {
  return (hash ^ (hash >> 15)) & (SLOTS - 1);
}

/** Adds the names in `list`, commas between them; `isSecret` where passwords may stand in such a command or in what answers it. */
function add(list: string, rule: u32, kind: u32, isSecret: bool = false): void {
  const letters = changetype<usize>(list);
  let first = 0;
  while (first < list.length) {
    let end = first;
    let hash: u32 = 0x811c9dc5;
    while (end < list.length && list.charCodeAt(end) != 44) hash = step(hash, list.charCodeAt(end++));
    let slot = slotOf(hash);
    while (load<u32>(TABLE + (slot << 3)) != 0) slot = (slot + 1) & (SLOTS - 1);
    const entry = TABLE + (slot << 3);
    store<u32>(entry, <u32>(letters + (first << 1)));
    store<u8>(entry, end - first, 4);
    store<u8>(entry, rule, 5);
    store<u8>(entry, kind, 6);
    store<u8>(entry, isSecret ? 1 : 0, 7);
    first = end + 1;
  }
}

/** Fills the table in. */
export function declareCommands(): void {
  memory.fill(TABLE, 0, 8 * SLOTS);
  const plain = CommandKind.PLAIN;
  const first =
    "APPEND,BITCOUNT,BITFIELD,BITFIELD_RO,BITPOS,DECR,DECRBY,DUMP,EXPIRE,EXPIREAT,EXPIRETIME,GEOADD,GEODIST,GEOHASH,GEOPOS,GEORADIUS,GEORADIUSBYMEMBER,GEORADIUSBYMEMBER_RO,GEORADIUS_RO,GEOSEARCH,GET,GETBIT,GETDEL,GETEX,GETRANGE,GETSET,HDEL,HEXISTS,HEXPIRE,HEXPIREAT,HEXPIRETIME,HGET,HGETALL,HGETDEL,HGETEX,HINCRBY,HINCRBYFLOAT,HKEYS,HLEN,HMGET,HMSET,HPERSIST,HPEXPIRE,HPEXPIREAT,HPEXPIRETIME,HPTTL,HRANDFIELD,HSCAN,HSET,HSETEX,HSETNX,HSTRLEN,HTTL,HVALS,INCR,INCRBY,INCRBYFLOAT,LINDEX,LINSERT,LLEN,LPOP,LPOS,LPUSH,LPUSHX,LRANGE,LREM,LSET,LTRIM,MOVE,PERSIST,PEXPIRE,PEXPIREAT,PEXPIRETIME,PFADD,PFDEBUG,PSETEX,PTTL,RESTORE,RESTORE-ASKING,RPOP,RPUSH,RPUSHX,SADD,SCARD,SET,SETBIT,SETEX,SETNX,SETRANGE,SISMEMBER,SMEMBERS,SMISMEMBER,SORT,SORT_RO,SPOP,SRANDMEMBER,SREM,SSCAN,STRLEN,SUBSTR,TTL,TYPE,VADD,VCARD,VDIM,VEMB,VGETATTR,VINFO,VISMEMBER,VLINKS,VRANDMEMBER,VREM,VSETATTR,VSIM,XACK,XACKDEL,XADD,XAUTOCLAIM,XCLAIM,XDEL,XDELEX,XLEN,XPENDING,XRANGE,XREVRANGE,XSETID,XTRIM,ZADD,ZCARD,ZCOUNT,ZINCRBY,ZLEXCOUNT,ZMSCORE,ZPOPMAX,ZPOPMIN,ZRANDMEMBER,ZRANGE,ZRANGEBYLEX,ZRANGEBYSCORE,ZRANK,ZREM,ZREMRANGEBYLEX,ZREMRANGEBYRANK,ZREMRANGEBYSCORE,ZREVRANGE,ZREVRANGEBYLEX,ZREVRANGEBYSCORE,ZREVRANK,ZSCAN,ZSCORE";
  const none =
    "ASKING,BGREWRITEAOF,BGSAVE,DBSIZE,DISCARD,ECHO,FAILOVER,FLUSHALL,FLUSHDB,INFO,KEYS,LASTSAVE,LOLWUT,PUBLISH,RANDOMKEY,READONLY,READWRITE,REPLCONF,REPLICAOF,ROLE,SAVE,SCAN,SHUTDOWN,SLAVEOF,SPUBLISH,SWAPDB,TIME,UNWATCH";
  add(first, KeyRule.FIRST, plain);
  add(none, KeyRule.NONE, plain);
  add("PING,QUIT", KeyRule.NONE, CommandKind.COMMON);
  add("AUTH,HELLO", KeyRule.NONE, CommandKind.COMMON, true);
  add(
    "DEL,EXISTS,MGET,PFCOUNT,PFMERGE,SDIFF,SDIFFSTORE,SINTER,SINTERSTORE,SUNION,SUNIONSTORE,TOUCH,UNLINK,WATCH",
    KeyRule.ALL,
    plain,
  );
  add("MSET,MSETNX", KeyRule.PAIRS, plain);
  add("COPY,GEOSEARCHSTORE,LCS,LMOVE,RENAME,RENAMENX,RPOPLPUSH,SMOVE,ZRANGESTORE", KeyRule.TWO, plain);
  add("BLMOVE,BRPOPLPUSH", KeyRule.TWO, CommandKind.BLOCKS);
  add("BLPOP,BRPOP,BZPOPMAX,BZPOPMIN", KeyRule.BUT_LAST, CommandKind.BLOCKS);
  add("BLMPOP,BZMPOP", KeyRule.COUNTED_SECOND, CommandKind.BLOCKS);
  add("WAIT,WAITAOF", KeyRule.NONE, CommandKind.BLOCKS);
  add("LMPOP,SINTERCARD,ZDIFF,ZINTER,ZINTERCARD,ZMPOP,ZUNION", KeyRule.COUNTED, plain);
  add("EVAL,EVALSHA,EVALSHA_RO,EVAL_RO,FCALL,FCALL_RO", KeyRule.COUNTED_SECOND, plain);
  add("ZDIFFSTORE,ZINTERSTORE,ZUNIONSTORE", KeyRule.STORED, plain);
  add("BITOP", KeyRule.FROM_SECOND, plain);
  add("XREAD,XREADGROUP", KeyRule.STREAMS, plain);
  add("MIGRATE", KeyRule.THIRD, plain, true);
  add("PSUBSCRIBE,SSUBSCRIBE,SUBSCRIBE", KeyRule.NONE, CommandKind.SUBSCRIBES);
  add("PUNSUBSCRIBE,SUNSUBSCRIBE,UNSUBSCRIBE", KeyRule.NONE, CommandKind.UNSUBSCRIBES);
  add("MEMORY,OBJECT,XGROUP,XINFO", KeyRule.SECOND, CommandKind.CONTAINER);
  add("CLUSTER,COMMAND,DEBUG,FUNCTION,LATENCY,MODULE,PUBSUB,SCRIPT,SLOWLOG", KeyRule.NONE, CommandKind.CONTAINER);
  add("ACL,CONFIG,SENTINEL", KeyRule.NONE, CommandKind.CONTAINER, true);
  add("CLIENT", KeyRule.NONE, CommandKind.CLIENT);
  add("MULTI", KeyRule.NONE, CommandKind.MULTI);
  add("EXEC", KeyRule.NONE, CommandKind.EXEC);
  add("MONITOR", KeyRule.NONE, CommandKind.MONITOR);
  add("PSYNC,SYNC", KeyRule.NONE, CommandKind.REPLICATES);
  add("RESET", KeyRule.NONE, CommandKind.RESET);
  add("SELECT", KeyRule.NONE, CommandKind.SELECT);
}

/** Looks the command of `length` upper-case bytes at `start` up; one that is not known has a rule by its name. */
export function findCommand(start: usize, length: u32): bool {
  let hash: u32 = 0x811c9dc5;
  let hasDot = false;
  for (let i: u32 = 0; i < length; i++) {
    const letter = <u32>load<u8>(start + i);
    if (letter == 46) hasDot = true;
    hash = step(hash, letter);
  }
  for (let slot = slotOf(hash); load<u32>(TABLE + (slot << 3)) != 0; slot = (slot + 1) & (SLOTS - 1)) {
    const entry = TABLE + (slot << 3);
    if (<u32>load<u8>(entry, 4) != length || !isNamed(entry, start, length)) continue;
    CommandFound.rule = load<u8>(entry, 5);
    CommandFound.kind = load<u8>(entry, 6);
    CommandFound.isSecret = load<u8>(entry, 7) != 0;
    return true;
  }
  CommandFound.rule = hasDot ? KeyRule.MODULE : KeyRule.UNKNOWN;
  CommandFound.kind = CommandKind.PLAIN;
  CommandFound.isSecret = false;
  return false;
}

function isNamed(entry: usize, start: usize, length: u32): bool {
  const name = <usize>load<u32>(entry);
  for (let i: u32 = 0; i < length; i++) {
    if (<u32>load<u16>(name + (i << 1)) != <u32>load<u8>(start + i)) return false;
  }
  return true;
}
