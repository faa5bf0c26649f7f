/** The commands of the protocol (MySQL Internals, "Command Phase"; MariaDB's own from 250 on). */
export class Command {
  static readonly QUIT: u32 = 1;
  static readonly INIT_DB: u32 = 2;
  static readonly QUERY: u32 = 3;
  static readonly FIELD_LIST: u32 = 4;
  static readonly CREATE_DB: u32 = 5;
  static readonly DROP_DB: u32 = 6;
  static readonly STATISTICS: u32 = 9;
  /** Not a command on the wire: the handshake, as it is reported. */
  static readonly CONNECT: u32 = 11;
  static readonly PING: u32 = 14;
  static readonly CHANGE_USER: u32 = 17;
  static readonly BINLOG_DUMP: u32 = 18;
  static readonly STMT_PREPARE: u32 = 22;
  static readonly STMT_EXECUTE: u32 = 23;
  static readonly STMT_SEND_LONG_DATA: u32 = 24;
  static readonly STMT_CLOSE: u32 = 25;
  static readonly STMT_RESET: u32 = 26;
  static readonly SET_OPTION: u32 = 27;
  static readonly STMT_FETCH: u32 = 28;
  static readonly BINLOG_DUMP_GTID: u32 = 30;
  static readonly RESET_CONNECTION: u32 = 31;
  static readonly CLONE: u32 = 32;
  static readonly STMT_BULK_EXECUTE: u32 = 250;
}

/** Names of the commands. */
export const COMMAND_NAMES: string =
  "0=sleep,1=quit,2=init_db,3=query,4=field_list,5=create_db,6=drop_db,7=refresh,8=shutdown,9=statistics,10=process_info,11=connect,12=process_kill,13=debug,14=ping,15=time,16=delayed_insert,17=change_user,18=binlog_dump,19=table_dump,20=connect_out,21=register_slave,22=stmt_prepare,23=stmt_execute,24=stmt_send_long_data,25=stmt_close,26=stmt_reset,27=set_option,28=stmt_fetch,29=daemon,30=binlog_dump_gtid,31=reset_connection,32=clone,250=stmt_bulk_execute";

/** Whether a client sends this command. */
export function isCommand(command: u32): bool {
  return (command != 0 && command != Command.CONNECT && command <= Command.CLONE) || command == Command.STMT_BULK_EXECUTE;
}

/** Whether the server answers it at all. */
export function isAnswered(command: u32): bool {
  return command != Command.QUIT && command != Command.STMT_CLOSE && command != Command.STMT_SEND_LONG_DATA;
}

/** Whether its argument begins with a statement's number. */
export function hasStatementId(command: u32): bool {
  return (
    (command >= Command.STMT_EXECUTE && command <= Command.STMT_RESET) ||
    command == Command.STMT_FETCH ||
    command == Command.STMT_BULK_EXECUTE
  );
}

/** Whether its argument is a text. */
export function hasText(command: u32): bool {
  return command == Command.QUERY || command == Command.STMT_PREPARE;
}

/** Whether a payload of `length` bytes, command included, can be of `command`. */
export function isLength(command: u32, length: u32): bool {
  switch (command) {
    case Command.QUIT:
    case Command.STATISTICS:
    case Command.PING:
    case Command.RESET_CONNECTION:
    case 10:
    case 13:
      return length == 1;
    case Command.SET_OPTION:
      return length == 3;
    case Command.STMT_CLOSE:
    case Command.STMT_RESET:
      return length == 5;
    case Command.STMT_FETCH:
      return length == 9;
    case Command.STMT_EXECUTE:
      return length >= 10;
    case Command.INIT_DB:
    case Command.CREATE_DB:
    case Command.DROP_DB:
      return length >= 2 && length <= 512;
    default:
      return hasText(command) ? length >= 2 : length <= 65536;
  }
}
