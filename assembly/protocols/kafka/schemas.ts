/**
 * The bodies of requests and responses (kafka.apache.org/protocol, message schemas), one line of fields each.
 *
 * ```
 *   [name:]type[first version[-last] or +]      separated by one blank
 *   b h i l u  1, 2, 4, 8 bytes, a UUID          s string    B bytes    R records
 *   ( )        an array of structures            [ ]         an array of values
 *   row fail   puts a row for the partition in hand into the response; `fail` only where its error is not 0
 *   *          the rest is not read
 * ```
 * A type without versions is in all of them. Lengths are compact and structures end with tagged fields where the version is
 * flexible. Names say what is kept of a field (program.ts); tests hold these lines against an encoder of their own.
 */
import { addSchema } from "./program";

const TOP_ERROR: string = "throttle:i error:h *";
const FIRST_ERROR: string = "error:h *";

/** Texts put together from several are made when the module starts: nothing is allocated later. */
const METADATA_RESPONSE: string =
  "throttle:i3+ ( i s i s1+ ) s2+ i1+ ( error:h topic:s u10+ b1+ fail ( error:h partition:i i i7+ [ i ] [ i ] [5+ i ] fail ) i8+ ) " +
  "i8-10 error:h13+";

const OFFSET_FETCH_RESPONSE: string =
  "throttle:i3+ (0-7 topic:s ( partition:i l i5+ s error:h row ) ) error:h2-7 " +
  "(8+ s ( topic:s8-9 topicId:u10+ ( partition:i l i s error:h row ) ) error:h )";

/** Makes programs of all schemas. */
export function addSchemas(): void {
  addData();
  addGroups();
  addTopics();
  addTransactions();
  addOthers();
}

function addData(): void {
  addSchema(
    0,
    "transactionalId:s3+ acks:h i ( topic:s0-12 topicId:u13+ ( partition:i records:R ) )",
    "( topic:s0-12 topicId:u13+ ( partition:i error:h l l2+ l5+ (8+ i s ) s8+ row ) ) throttle:i1+",
  );
  addSchema(
    1,
    "i0-14 i i i3+ b4+ i7+ i7+ ( topic:s0-12 topicId:u13+ ( partition:i i9+ l i12+ l5+ i ) ) (7+ s7-12 u13+ [ i ] ) s11+",
    "throttle:i1+ error:h7+ i7+ ( topic:s0-12 topicId:u13+ ( partition:i error:h l l4+ l5+ (4+ l l ) i11+ records:R row ) )",
  );
  addSchema(
    2,
    "i b2+ ( topic:s ( partition:i i4+ l i0-0 ) ) i10+",
    "throttle:i2+ ( topic:s ( partition:i error:h [0-0 l ] l1+ l1+ i4+ row ) )",
  );
  addSchema(3, "( topicId:u10+ topic:s ) b4+ b8-10 b8+", METADATA_RESPONSE);
  addSchema(23, "i3+ ( topic:s ( partition:i i2+ i ) )", "throttle:i2+ ( topic:s ( error:h partition:i i1+ l row ) )");
}

function addGroups(): void {
  addSchema(
    8,
    "group:s i1+ s1+ s7+ l2-4 ( topic:s0-9 topicId:u10+ ( partition:i l i6+ l1-1 s ) )",
    "throttle:i3+ ( topic:s0-9 topicId:u10+ ( partition:i error:h row ) )",
  );
  addSchema(
    9,
    "group:s0-7 (0-7 topic:s [ partition:i ] ) (8+ group:s s9+ i9+ ( topic:s8-9 topicId:u10+ [ partition:i ] ) ) b7+",
    OFFSET_FETCH_RESPONSE,
  );
  addSchema(10, "key:s0-3 keyType:b1+ [4+ key:s ]", "throttle:i1+ error:h0-3 s1-3 i0-3 s0-3 i0-3 (4+ s i s i error:h s )");
  addSchema(11, "group:s i i1+ s s5+ s ( s B ) s8+", "throttle:i2+ error:h i s7+ s s b9+ s ( s s5+ B )");
  addSchema(12, "group:s i s s3+", "throttle:i1+ error:h");
  addSchema(13, "group:s s0-2 (3+ s s s5+ )", "throttle:i1+ error:h (3+ s s error:h )");
  addSchema(14, "group:s i s s3+ s5+ s5+ ( s B )", "throttle:i1+ error:h s5+ s5+ B");
  addSchema(15, "[ group:s ] b3+", "throttle:i1+ ( error:h s6+ s s s s ( s s4+ s s B B ) i3+ )");
  addSchema(16, "[4+ s ] [5+ s ]", "throttle:i1+ error:h ( s s s4+ s5+ )");
  addSchema(42, "[ group:s ]", "throttle:i ( s error:h )");
  addSchema(47, "group:s ( topic:s ( partition:i ) )", "error:h throttle:i ( topic:s ( partition:i error:h row ) )");
  addSchema(68, "group:s *", TOP_ERROR);
  addSchema(76, "group:s *", TOP_ERROR);
  addSchema(88, "group:s *", TOP_ERROR);
}

function addTopics(): void {
  addSchema(
    19,
    "( topic:s i h ( i [ i ] ) ( s s ) ) i b1+",
    "throttle:i2+ ( topic:s u7+ error:h s1+ i5+ h5+ (5+ s s b b b ) row )",
  );
  addSchema(20, "(6+ topic:s topicId:u ) [0-5 topic:s ] i", "throttle:i1+ ( topic:s u6+ error:h s5+ row )");
  addSchema(21, "( topic:s ( partition:i l ) ) i", "throttle:i ( topic:s ( partition:i l error:h row ) )");
  addSchema(32, "( b s [ s ] ) b1+ b3+", "throttle:i ( error:h s b s ( s s b b0-0 b1+ b (1+ s s b ) b3+ s3+ ) )");
  addSchema(33, "( b s ( s s ) ) b", "throttle:i ( error:h s b s )");
  addSchema(37, "( topic:s i ( [ i ] ) ) i b", "throttle:i ( topic:s error:h s row )");
  addSchema(44, "( b s ( s b s ) ) b", "throttle:i ( error:h s b s )");
}

function addTransactions(): void {
  addSchema(22, "transactionalId:s i l3+ h3+ b6+ b6+", "throttle:i error:h l h l6+ h6+");
  addSchema(
    24,
    "(4+ transactionalId:s l h b ( topic:s [ partition:i ] ) ) transactionalId:s0-3 l0-3 h0-3 (0-3 topic:s [ partition:i ] )",
    "throttle:i error:h4+ (4+ s ( topic:s ( partition:i error:h row ) ) ) (0-3 topic:s ( partition:i error:h row ) )",
  );
  addSchema(25, "transactionalId:s l h group:s", "throttle:i error:h");
  addSchema(26, "transactionalId:s l h b", "throttle:i error:h l5+ h5+");
  addSchema(
    28,
    "transactionalId:s group:s l h i3+ s3+ s3+ ( topic:s ( partition:i l i2+ s ) )",
    "throttle:i ( topic:s ( partition:i error:h row ) )",
  );
}

function addOthers(): void {
  addSchema(4, "", FIRST_ERROR);
  addSchema(5, "", FIRST_ERROR);
  addSchema(6, "", "error:h");
  addSchema(7, "", FIRST_ERROR);
  addSchema(17, "s", "error:h [ s ]");
  addSchema(18, "s3+ s3+", "error:h ( h h h ) throttle:i1+");
  addSchema(29, "", TOP_ERROR);
  addSchema(30, "", "throttle:i ( error:h s )");
  addSchema(36, "B", "error:h s B l1+");
  for (let key: u32 = 38; key <= 41; key++) addSchema(key, "", FIRST_ERROR);
  addSchema(46, "", TOP_ERROR);
  addSchema(48, "", TOP_ERROR);
  addSchema(50, "", TOP_ERROR);
  for (let key: u32 = 52; key <= 55; key++) addSchema(key, "", FIRST_ERROR);
  addSchema(56, "", TOP_ERROR);
  addSchema(57, "", TOP_ERROR);
  addSchema(59, "", TOP_ERROR);
  addSchema(60, "b b1+ b2+", "throttle:i error:h s b1+ s i ( i s i s b2+ ) i");
  for (let key: u32 = 62; key <= 64; key++) addSchema(key, "", TOP_ERROR);
  addSchema(66, "", TOP_ERROR);
  addSchema(67, "", TOP_ERROR);
  for (let key: u32 = 70; key <= 73; key++) addSchema(key, "", TOP_ERROR);
}
