/** Makes records of messages, and does with the malformed ones what the policy says. */
import { toErrorRecord } from '../core/errors.js';
import { noTimestamp, type OperatorContext, type SourceOutput } from '../dataflow/contracts.js';
import type { MessageOrigin } from './formats/message-format.js';
import { malformedError, type MalformedPolicy, malformedRows, shownText } from './malformed-row.js';

export interface MessageDecodingOptions<T, Payload> {
  readonly context: Pick<OperatorContext, 'sideOutput'>;
  /** Throws for what it cannot read. */
  readonly decode: (payload: Payload, origin: MessageOrigin) => T;
  /** What people are shown of a malformed message. */
  readonly show: (payload: Payload) => Uint8Array;
  readonly malformed: MalformedPolicy;
  readonly sourceName: string;
}

/** A message, and where it stands for the people who look for it. */
export interface DecodableMessage<Payload> extends MessageOrigin {
  readonly payload: Payload;
  /** In ms, as the server gave it, or {@link noTimestamp}. */
  readonly timestamp: number;
  /** What it came from. */
  readonly path: string;
  /** Its place there, as a number and for an error. */
  readonly offset: number;
  readonly place: string;
}

export class MessageDecoding<T, Payload = Uint8Array> {
  readonly #options: MessageDecodingOptions<T, Payload>;

  constructor(options: MessageDecodingOptions<T, Payload>) {
    this.#options = options;
  }

  /** Emits the record of a message, or hands it to the side output. Throws `SOURCE_MALFORMED` when the policy is `fail`. */
  emit(message: DecodableMessage<Payload>, output: SourceOutput<T>): void {
    const { decode, show, malformed, sourceName, context } = this.#options;
    let value: T;
    try {
      value = decode(message.payload, message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : toErrorRecord(error).message;
      const bytes = show(message.payload);
      const text = shownText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      const row = { path: message.path, offset: message.offset, line: null, text, reason };
      if (malformed === 'fail') throw malformedError(sourceName, row, message.place);
      context.sideOutput(malformedRows.id)(row, noTimestamp);
      return;
    }
    output.emit(value, message.timestamp);
  }
}

/** Decoding of messages that are bytes. */
export const wholeMessage = (payload: Uint8Array): Uint8Array => payload;
