/** The methods of AMQP 0-9-1 and RabbitMQ's extensions: their names, who sends them and what follows. */

/** Names of classes. */
export const CLASS_NAMES: string = "10=connection,20=channel,30=access,40=exchange,50=queue,60=basic,85=confirm,90=tx";

/** Names of methods by class * 256 + method. */
export const METHOD_NAMES: string =
  "2570=start,2571=start-ok,2580=secure,2581=secure-ok,2590=tune,2591=tune-ok,2600=open,2601=open-ok,2610=close,2611=close-ok,2620=blocked,2621=unblocked,2630=update-secret,2631=update-secret-ok,5130=open,5131=open-ok,5140=flow,5141=flow-ok,5160=close,5161=close-ok,7690=request,7691=request-ok,10250=declare,10251=declare-ok,10260=delete,10261=delete-ok,10270=bind,10271=bind-ok,10280=unbind,10291=unbind-ok,12810=declare,12811=declare-ok,12820=bind,12821=bind-ok,12830=purge,12831=purge-ok,12840=delete,12841=delete-ok,12850=unbind,12851=unbind-ok,15370=qos,15371=qos-ok,15380=consume,15381=consume-ok,15390=cancel,15391=cancel-ok,15400=publish,15410=return,15420=deliver,15430=get,15431=get-ok,15432=get-empty,15440=ack,15450=reject,15460=recover-async,15470=recover,15471=recover-ok,15480=nack,21770=select,21771=select-ok,23050=select,23051=select-ok,23060=commit,23061=commit-ok,23070=rollback,23071=rollback-ok";

/** The same with their class. */
export const CALL_NAMES: string =
  "2570=connection.start,2571=connection.start-ok,2580=connection.secure,2581=connection.secure-ok,2590=connection.tune,2591=connection.tune-ok,2600=connection.open,2601=connection.open-ok,2610=connection.close,2611=connection.close-ok,2620=connection.blocked,2621=connection.unblocked,2630=connection.update-secret,2631=connection.update-secret-ok,5130=channel.open,5131=channel.open-ok,5140=channel.flow,5141=channel.flow-ok,5160=channel.close,5161=channel.close-ok,7690=access.request,7691=access.request-ok,10250=exchange.declare,10251=exchange.declare-ok,10260=exchange.delete,10261=exchange.delete-ok,10270=exchange.bind,10271=exchange.bind-ok,10280=exchange.unbind,10291=exchange.unbind-ok,12810=queue.declare,12811=queue.declare-ok,12820=queue.bind,12821=queue.bind-ok,12830=queue.purge,12831=queue.purge-ok,12840=queue.delete,12841=queue.delete-ok,12850=queue.unbind,12851=queue.unbind-ok,15370=basic.qos,15371=basic.qos-ok,15380=basic.consume,15381=basic.consume-ok,15390=basic.cancel,15391=basic.cancel-ok,15400=basic.publish,15410=basic.return,15420=basic.deliver,15430=basic.get,15431=basic.get-ok,15432=basic.get-empty,15440=basic.ack,15450=basic.reject,15460=basic.recover-async,15470=basic.recover,15471=basic.recover-ok,15480=basic.nack,21770=confirm.select,21771=confirm.select-ok,23050=tx.select,23051=tx.select-ok,23060=tx.commit,23061=tx.commit-ok,23070=tx.rollback,23071=tx.rollback-ok";

/** Bits of what a method is. */
const CLIENT: u32 = 1;
const SERVER: u32 = 2;
const BOTH: u32 = 3;
const ASKS: u32 = 4;
const RESPONSE: u32 = 8;
const CONTENT: u32 = 16;
const ALONE: u32 = 32;
const SETTLES: u32 = 64;

/** What a method is, by bits. */
export class Trait {
  /** The client may send it. */
  static readonly CLIENT: u32 = 1;
  /** The server may send it. */
  static readonly SERVER: u32 = 2;
  /** Its peer answers. */
  static readonly ASKS: u32 = 4;
  static readonly RESPONSE: u32 = 8;
  /** A header and a body follow. */
  static readonly CONTENT: u32 = 16;
  /** Nothing follows. */
  static readonly ALONE: u32 = 32;
  /** It settles messages by their tag. */
  static readonly SETTLES: u32 = 64;
}

/** A method's class * 256 + its number, as in `METHOD_NAMES`. */
export class Call {
  static readonly CONNECTION_OPEN: u32 = 0x0a28;
  static readonly CONNECTION_CLOSE: u32 = 0x0a32;
  static readonly CONNECTION_CLOSE_OK: u32 = 0x0a33;
  static readonly CHANNEL_OPEN: u32 = 0x140a;
  static readonly CHANNEL_CLOSE: u32 = 0x1428;
  static readonly CHANNEL_CLOSE_OK: u32 = 0x1429;
  static readonly EXCHANGE_DECLARE: u32 = 0x280a;
  static readonly EXCHANGE_DELETE: u32 = 0x2814;
  static readonly EXCHANGE_BIND: u32 = 0x281e;
  static readonly EXCHANGE_UNBIND: u32 = 0x2828;
  static readonly EXCHANGE_UNBIND_OK: u32 = 0x2833;
  static readonly QUEUE_DECLARE: u32 = 0x320a;
  static readonly QUEUE_DECLARE_OK: u32 = 0x320b;
  static readonly QUEUE_BIND: u32 = 0x3214;
  static readonly QUEUE_PURGE: u32 = 0x321e;
  static readonly QUEUE_PURGE_OK: u32 = 0x321f;
  static readonly QUEUE_DELETE: u32 = 0x3228;
  static readonly QUEUE_DELETE_OK: u32 = 0x3229;
  static readonly QUEUE_UNBIND: u32 = 0x3232;
  static readonly CONSUME: u32 = 0x3c14;
  static readonly CONSUME_OK: u32 = 0x3c15;
  static readonly CANCEL: u32 = 0x3c1e;
  static readonly PUBLISH: u32 = 0x3c28;
  static readonly RETURN: u32 = 0x3c32;
  static readonly DELIVER: u32 = 0x3c3c;
  static readonly GET: u32 = 0x3c46;
  static readonly GET_OK: u32 = 0x3c47;
  static readonly GET_EMPTY: u32 = 0x3c48;
  static readonly ACK: u32 = 0x3c50;
  static readonly REJECT: u32 = 0x3c5a;
  static readonly NACK: u32 = 0x3c78;
  static readonly CONFIRM_SELECT: u32 = 0x550a;
  static readonly CONFIRM_SELECT_OK: u32 = 0x550b;
}

/** Traits by class (up to 90) and method (up to 120). */
const TRAITS: usize = memory.data(91 * 128);

function set(classId: u32, methodId: u32, traits: u32): void {
  store<u8>(TRAITS + classId * 128 + methodId, traits);
}

/** What the method of a class is; 0 for none. */
export function traitsOf(classId: u32, methodId: u32): u32 {
  return classId > 90 || methodId > 127 ? 0 : load<u8>(TRAITS + classId * 128 + methodId);
}

/** The call that `response` answers. */
export function answeredBy(response: u32): u32 {
  if (response == Call.GET_EMPTY) return Call.GET;
  return response == Call.EXCHANGE_UNBIND_OK ? Call.EXCHANGE_UNBIND : response - 1;
}

/** Fills in the table. */
export function addMethods(): void {
  set(10, 10, SERVER | ASKS);
  set(10, 11, CLIENT | RESPONSE);
  set(10, 20, SERVER | ASKS);
  set(10, 21, CLIENT | RESPONSE);
  set(10, 30, SERVER | ASKS);
  set(10, 31, CLIENT | RESPONSE);
  set(10, 40, CLIENT | ASKS);
  set(10, 41, SERVER | RESPONSE);
  set(10, 50, BOTH | ASKS);
  set(10, 51, BOTH | RESPONSE);
  set(10, 60, SERVER | ALONE);
  set(10, 61, SERVER | ALONE);
  set(10, 70, CLIENT | ASKS);
  set(10, 71, SERVER | RESPONSE);
  set(20, 10, CLIENT | ASKS);
  set(20, 11, SERVER | RESPONSE);
  set(20, 20, BOTH | ASKS);
  set(20, 21, BOTH | RESPONSE);
  set(20, 40, BOTH | ASKS);
  set(20, 41, BOTH | RESPONSE);
  set(30, 10, CLIENT | ASKS);
  set(30, 11, SERVER | RESPONSE);
  set(40, 10, CLIENT | ASKS);
  set(40, 11, SERVER | RESPONSE);
  set(40, 20, CLIENT | ASKS);
  set(40, 21, SERVER | RESPONSE);
  set(40, 30, CLIENT | ASKS);
  set(40, 31, SERVER | RESPONSE);
  set(40, 40, CLIENT | ASKS);
  set(40, 51, SERVER | RESPONSE);
  set(50, 10, CLIENT | ASKS);
  set(50, 11, SERVER | RESPONSE);
  set(50, 20, CLIENT | ASKS);
  set(50, 21, SERVER | RESPONSE);
  set(50, 30, CLIENT | ASKS);
  set(50, 31, SERVER | RESPONSE);
  set(50, 40, CLIENT | ASKS);
  set(50, 41, SERVER | RESPONSE);
  set(50, 50, CLIENT | ASKS);
  set(50, 51, SERVER | RESPONSE);
  set(60, 10, CLIENT | ASKS);
  set(60, 11, SERVER | RESPONSE);
  set(60, 20, CLIENT | ASKS);
  set(60, 21, SERVER | RESPONSE);
  set(60, 30, BOTH | ASKS);
  set(60, 31, BOTH | RESPONSE);
  set(60, 40, CLIENT | CONTENT);
  set(60, 50, SERVER | CONTENT);
  set(60, 60, SERVER | CONTENT);
  set(60, 70, CLIENT | ASKS);
  set(60, 71, SERVER | RESPONSE | CONTENT);
  set(60, 72, SERVER | RESPONSE);
  set(60, 80, BOTH | SETTLES);
  set(60, 90, CLIENT | SETTLES);
  set(60, 100, CLIENT | ALONE);
  set(60, 110, CLIENT | ASKS);
  set(60, 111, SERVER | RESPONSE);
  set(60, 120, BOTH | SETTLES);
  set(85, 10, CLIENT | ASKS);
  set(85, 11, SERVER | RESPONSE);
  set(90, 10, CLIENT | ASKS);
  set(90, 11, SERVER | RESPONSE);
  set(90, 20, CLIENT | ASKS);
  set(90, 21, SERVER | RESPONSE);
  set(90, 30, CLIENT | ASKS);
  set(90, 31, SERVER | RESPONSE);
}
