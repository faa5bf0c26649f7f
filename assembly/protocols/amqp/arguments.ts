/** The arguments of a method (AMQP 0-9-1 reference) into the fields of its message. Tables behind them are not read. */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Message, messageText } from "../../roundtrip/message";
import * as F from "./fields";
import { Call } from "./methods";

/** Bytes of a method that are read: three short strings and what lies between them. */
export const ARGUMENTS_BYTES_MAX: u32 = 800;

/** The arguments that are being read. */
export class Arguments {
  private static at: usize = 0;
  private static end: usize = 0;
  private static message: Message = changetype<Message>(0);
  /** Whether they end before they should. */
  static isShort: bool = false;
  /** Class * 256 + method that a close is about, 0 for none. */
  static cause: u32 = 0;

  private static holds(bytes: u32): bool {
    if (!Arguments.isShort && <u32>(Arguments.end - Arguments.at) >= bytes) return true;
    Arguments.isShort = true;
    return false;
  }

  private static skip(bytes: u32): void {
    if (Arguments.holds(bytes)) Arguments.at += bytes;
  }

  private static octet(): u32 {
    if (!Arguments.holds(1)) return 0;
    return u8At(Arguments.at++);
  }

  private static short(): u32 {
    if (!Arguments.holds(2)) return 0;
    Arguments.at += 2;
    return u16be(Arguments.at - 2);
  }

  private static long(): u32 {
    if (!Arguments.holds(4)) return 0;
    Arguments.at += 4;
    return u32be(Arguments.at - 4);
  }

  /** A short string into the text at `offset`. */
  private static text(offset: u32, field: u32): void {
    const length = Arguments.octet();
    if (!Arguments.holds(length)) return;
    Arguments.message = messageText(Arguments.message, offset, Arguments.at, length, F.TEXT_BYTES_MAX);
    Arguments.message.know(field);
    Arguments.at += length;
  }

  private static exchange(): void {
    Arguments.text(F.EXCHANGE, F.AmqpField.EXCHANGE);
  }

  private static routingKey(): void {
    Arguments.text(F.ROUTING_KEY, F.AmqpField.ROUTING_KEY);
  }

  private static queue(): void {
    Arguments.text(F.QUEUE, F.AmqpField.QUEUE);
  }

  private static consumerTag(): void {
    Arguments.text(F.CONSUMER_TAG, F.AmqpField.CONSUMER_TAG);
  }

  private static deliveryTag(): void {
    const high = <u64>Arguments.long();
    const low = <u64>Arguments.long();
    if (Arguments.isShort) return;
    store<u64>(changetype<usize>(Arguments.message), (high << 32) | low, F.DELIVERY_TAG);
    Arguments.message.know(F.AmqpField.DELIVERY_TAG);
  }

  private static messages(): void {
    const count = Arguments.long();
    if (Arguments.isShort) return;
    store<u32>(changetype<usize>(Arguments.message), count, F.MESSAGES);
    Arguments.message.know(F.AmqpField.MESSAGES);
  }

  private static multiple(): void {
    store<u8>(changetype<usize>(Arguments.message), <u8>(Arguments.octet() & 1), F.MULTIPLE);
    if (!Arguments.isShort) Arguments.message.know(F.AmqpField.MULTIPLE);
  }

  /** Bits, of which the one of `mask` says that nothing answers. */
  private static noAnswer(mask: u32): void {
    if (!(Arguments.octet() & mask)) return;
    const at = changetype<usize>(Arguments.message);
    store<u8>(at, load<u8>(at, F.REQUEST_FLAGS) | F.RequestFlag.NO_ANSWER, F.REQUEST_FLAGS);
  }

  /** Of a consume bit 1 says no-ack, bit 3 no-wait. */
  private static consumeBits(): void {
    const bits = Arguments.octet();
    const flags = (bits & 2 ? <u32>F.RequestFlag.NO_ACK : 0) | (bits & 8 ? <u32>F.RequestFlag.NO_ANSWER : 0);
    store<u8>(changetype<usize>(Arguments.message), flags, F.REQUEST_FLAGS);
  }

  private static reply(): void {
    const code = Arguments.short();
    if (Arguments.isShort) return;
    store<u16>(changetype<usize>(Arguments.message), <u16>code, F.REPLY_CODE);
    Arguments.message.know(F.AmqpField.REPLY_CODE);
    Arguments.text(F.REPLY_TEXT, F.AmqpField.REPLY_TEXT);
  }

  /** Reads those of `call`, `length` bytes at `start`, into `message`; answers where it now is. */
  static read(message: Message, call: u32, start: usize, length: u32): Message {
    Arguments.at = start;
    Arguments.end = start + length;
    Arguments.message = message;
    Arguments.isShort = false;
    Arguments.cause = 0;
    if (call >= 0x3c00) Arguments.ofMessages(call);
    else Arguments.ofResources(call);
    return Arguments.message;
  }

  /** Classes connection, channel, exchange and queue. */
  private static ofResources(call: u32): void {
    switch (call) {
      case Call.CONNECTION_CLOSE:
      case Call.CHANNEL_CLOSE:
        Arguments.reply();
        Arguments.cause = Arguments.short() << 8;
        Arguments.cause |= Arguments.short();
        return;
      case Call.EXCHANGE_DECLARE:
        Arguments.skip(2);
        Arguments.exchange();
        Arguments.skip(Arguments.octet());
        Arguments.noAnswer(16);
        return;
      case Call.EXCHANGE_DELETE:
        Arguments.skip(2);
        Arguments.exchange();
        Arguments.noAnswer(2);
        return;
      case Call.EXCHANGE_BIND:
      case Call.EXCHANGE_UNBIND:
        // The destination comes first; messages are published to the source.
        Arguments.skip(2);
        Arguments.skip(Arguments.octet());
        Arguments.exchange();
        Arguments.routingKey();
        Arguments.noAnswer(1);
        return;
      default:
        Arguments.ofQueues(call);
    }
  }

  private static ofQueues(call: u32): void {
    switch (call) {
      case Call.QUEUE_DECLARE:
        Arguments.skip(2);
        Arguments.queue();
        Arguments.noAnswer(16);
        return;
      case Call.QUEUE_BIND:
      case Call.QUEUE_UNBIND:
        Arguments.skip(2);
        Arguments.queue();
        Arguments.exchange();
        Arguments.routingKey();
        if (call == Call.QUEUE_BIND) Arguments.noAnswer(1);
        return;
      case Call.QUEUE_PURGE:
      case Call.QUEUE_DELETE:
        Arguments.skip(2);
        Arguments.queue();
        Arguments.noAnswer(call == Call.QUEUE_PURGE ? 1 : 4);
        return;
      case Call.QUEUE_DECLARE_OK:
        Arguments.queue();
        Arguments.messages();
        return;
      case Call.QUEUE_PURGE_OK:
      case Call.QUEUE_DELETE_OK:
        Arguments.messages();
    }
  }

  /** Classes basic and confirm. */
  private static ofMessages(call: u32): void {
    switch (call) {
      case Call.CONSUME:
        Arguments.skip(2);
        Arguments.queue();
        Arguments.consumerTag();
        Arguments.consumeBits();
        return;
      case Call.CONSUME_OK:
        Arguments.consumerTag();
        return;
      case Call.CANCEL:
        Arguments.consumerTag();
        Arguments.noAnswer(1);
        return;
      case Call.PUBLISH:
        Arguments.skip(2);
        Arguments.exchange();
        Arguments.routingKey();
        return;
      case Call.RETURN:
        Arguments.reply();
        Arguments.exchange();
        Arguments.routingKey();
        return;
      case Call.DELIVER:
        Arguments.consumerTag();
        Arguments.tagged();
        return;
      case Call.GET_OK:
        Arguments.tagged();
        Arguments.messages();
        return;
      case Call.GET:
        Arguments.skip(2);
        Arguments.queue();
        return;
      case Call.ACK:
      case Call.NACK:
        Arguments.deliveryTag();
        Arguments.multiple();
        return;
      case Call.REJECT:
        Arguments.deliveryTag();
        return;
      case Call.CONFIRM_SELECT:
        Arguments.noAnswer(1);
    }
  }

  /** Tag, whether redelivered, and where the message was published. */
  private static tagged(): void {
    Arguments.deliveryTag();
    Arguments.skip(1);
    Arguments.exchange();
    Arguments.routingKey();
  }
}
