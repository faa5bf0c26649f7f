/**
 * Errors of databases: of some kinds the message holds names alone and stays as it is; of the others it is shown without what it
 * quotes; and what an application wrote itself is not shown at all. The kind is told by code or state, which are always shown.
 */
import { Message } from "../../roundtrip/message";
import { hideText, hideValues, hideValuesIn } from "../shared/error-text";

/**
 * MySQL's and MariaDB's errors whose messages hold no values: databases, tables, columns, users, locks, limits (MySQL Server Error
 * Message Reference). In ascending order.
 */
const OF_NAMES: string =
  ",1004,1005,1006,1007,1008,1009,1010,1016,1017,1022,1025,1028,1030,1031,1032,1036,1037,1038,1040,1041,1042,1043,1044,1045,1046,1047,1048,1049,1050,1051,1052,1053,1054,1055,1056,1057,1058,1059,1060,1061,1063,1065,1066,1068,1069,1070,1071,1072,1073,1074,1075,1091,1101,1103,1109,1110,1112,1113,1114,1115,1117,1118,1120,1121,1129,1130,1133,1136,1138,1140,1141,1142,1143,1146,1147,1148,1149,1153,1156,1158,1159,1160,1161,1162,1167,1170,1171,1176,1177,1178,1192,1194,1195,1203,1205,1206,1207,1213,1214,1215,1216,1217,1222,1226,1227,1235,1241,1242,1243,1247,1248,1251,1264,1265,1267,1270,1271,1290,1304,1305,1312,1317,1318,1319,1321,1325,1328,1339,1345,1347,1356,1360,1364,1370,1393,1394,1395,1399,1400,1401,1402,1406,1410,1414,1415,1418,1419,1422,1424,1442,1449,1451,1452,1461,1558,1568,1637,1701,1702,1785,1792,1799,1820,1827,1846,1862,1969,3024,3105,3140,3572,3819,4025,";
const DUPLICATE_ENTRY: u32 = 1062;
const DUPLICATE_ENTRY_WITH_KEY: u32 = 1586;
/** No partition for a value, which stands there without quotes. */
const NO_PARTITION: u32 = 1526;
/** An application's own SIGNAL and RESIGNAL: the class of states that are there for it, whatever code it gave itself. */
const SIGNAL: u32 = 1644;
const SIGNAL_CLASS: u32 = 0x3534;

/** " for key ", behind which an index is named. */
const FOR_KEY: u64 = 0x79656b20726f6620;

/** Masks values in the MySQL error whose message and state are the texts at `offset` and `stateOffset`. */
export function hideMysqlValues(message: Message, offset: u32, stateOffset: u32, code: u32, isWhole: bool): void {
  const hasClass = message.textLength(stateOffset) == 5 && <u32>load<u16>(message.textStart(stateOffset)) == SIGNAL_CLASS;
  if (code == SIGNAL || hasClass || code == NO_PARTITION) {
    hideText(message, offset);
  } else if (code == DUPLICATE_ENTRY || code == DUPLICATE_ENTRY_WITH_KEY) {
    const to = forKey(message.textStart(offset), message.textLength(offset));
    if (isWhole && to != 0) hideValuesIn(message, offset, 0, to, true);
    else hideValues(message, offset, isWhole);
  } else if (!isOfNames(code)) {
    hideValues(message, offset, isWhole);
  }
}

/** Where the last " for key" of a text begins, 0 where there is none. */
function forKey(start: usize, length: u32): u32 {
  if (length < 9) return 0;
  for (let at = length - 9; at != 0; at--) if (load<u64>(start + at) == FOR_KEY) return at;
  return 0;
}

/** Whether the code, of four digits, is in the list. */
function isOfNames(code: u32): bool {
  const list = changetype<usize>(OF_NAMES);
  for (let at = 1; at < OF_NAMES.length; at += 5) {
    let value: u32 = 0;
    for (let i = 0; i < 4; i++) value = value * 10 + <u32>load<u16>(list + ((at + i) << 1)) - 48;
    if (value >= code) return value == code;
  }
  return false;
}

/** Classes of PostgreSQL's states whose messages hold names alone ("PostgreSQL Error Codes"): 42601, a syntax error, does not. */
const CLASSES_OF_NAMES: string = "00,01,02,03,08,0A,23,24,25,26,28,2B,2D,34,3B,3D,3F,40,42,44,53,55,57,";
const CLASS_RAISED: u32 = 0x3050;

/** Masks values in the PostgreSQL error whose message and state are the texts at `offset` and `stateOffset`. */
export function hidePostgresqlValues(message: Message, offset: u32, stateOffset: u32, isWhole: bool): void {
  const state = message.textStart(stateOffset);
  const isKnown = message.textLength(stateOffset) == 5;
  const kind: u32 = isKnown ? load<u16>(state) : 0;
  if (isKnown && kind == CLASS_RAISED) hideText(message, offset);
  else if (!isKnown || !isClassOfNames(kind) || isSyntax(state)) hideValues(message, offset, isWhole);
}

function isClassOfNames(kind: u32): bool {
  const list = changetype<usize>(CLASSES_OF_NAMES);
  for (let at = 0; at < CLASSES_OF_NAMES.length; at += 3) {
    const letters = load<u32>(list + (at << 1));
    if (((letters & 0xff) | ((letters >> 8) & 0xff00)) == kind) return true;
  }
  return false;
}

/** Whether a state is 42601, behind which stands what was not understood. */
function isSyntax(state: usize): bool {
  return load<u32>(state) == 0x30363234 && load<u8>(state, 4) == 49;
}
