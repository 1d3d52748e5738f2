/** Makes records of messages by a format, and does with the malformed ones what the policy says. */
import { toErrorRecord } from '../core/errors.js';
import { noTimestamp, type OperatorContext, type SourceOutput } from '../dataflow/contracts.js';
import type { MessageFormat } from './formats/message-format.js';
import { malformedError, type MalformedPolicy, malformedRows, shownText } from './malformed-row.js';

export interface MessageDecodingOptions<T> {
  readonly context: Pick<OperatorContext, 'sideOutput'>;
  readonly format: MessageFormat<T>;
  readonly malformed: MalformedPolicy;
  readonly sourceName: string;
}

/** A message, and where it stands for the people who look for it. */
export interface DecodableMessage {
  readonly bytes: Uint8Array;
  readonly subject: string;
  /** Event time in ms that the server gave it, or {@link noTimestamp}. */
  readonly timestamp: number;
  /** What it came from. */
  readonly path: string;
  /** Its place there, as a number and for an error. */
  readonly offset: number;
  readonly place: string;
}

export class MessageDecoding<T> {
  readonly #options: MessageDecodingOptions<T>;

  constructor(options: MessageDecodingOptions<T>) {
    this.#options = options;
  }

  /** Emits the record of a message, or hands it to the side output. Throws `SOURCE_MALFORMED` when the policy is `fail`. */
  emit(message: DecodableMessage, output: SourceOutput<T>): void {
    const { format, malformed, sourceName, context } = this.#options;
    let value: T;
    try {
      value = format.decode(message.bytes, message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : toErrorRecord(error).message;
      const text = shownText(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
      const row = { path: message.path, offset: message.offset, line: null, text, reason };
      if (malformed === 'fail') throw malformedError(sourceName, row, message.place);
      context.sideOutput(malformedRows.id)(row, noTimestamp);
      return;
    }
    output.emit(value, message.timestamp);
  }
}
