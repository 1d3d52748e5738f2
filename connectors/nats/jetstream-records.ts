/**
 * Records as messages that a stream will take: subject, payload and headers, checked before anything is published.
 *
 * JR1  A message that the server would refuse (too large, of a subject that the stream does not take, with a header that is
 *      none) fails the job at its record, by the name of the operator.
 */
import type { headers, MsgHdrs } from 'nats';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { StreamView } from './jetstream-read-back.js';
import { badMessageHints, isHeader, isPayload } from './message-parts.js';
import { isSubject } from './subjects.js';

export interface JetStreamRecordSettings<T> {
  readonly stream: string;
  readonly subjectOf: (value: T) => string;
  readonly encode: (value: T) => string | Uint8Array;
  readonly headersOf: ((value: T) => Readonly<Record<string, string>>) | undefined;
}

/** Subject, payload, and names and values of headers in turn. */
export type MessageParts = readonly [subject: string, payload: string | Uint8Array, ...headers: string[]];

export class JetStreamRecords<T> {
  readonly #settings: JetStreamRecordSettings<T>;
  readonly #view: StreamView;
  readonly #where: string;

  constructor(settings: JetStreamRecordSettings<T>, view: StreamView, where: string) {
    this.#settings = settings;
    this.#view = view;
    this.#where = where;
  }

  /** The message of a record (JR1). */
  partsOf(value: T): MessageParts {
    const { subjectOf, encode, headersOf } = this.#settings;
    const parts: [string, string | Uint8Array, ...string[]] = [subjectOf(value), encode(value)];
    if (headersOf !== undefined) for (const [name, text] of Object.entries(headersOf(value))) parts.push(name, text);
    this.#check(parts);
    return parts;
  }

  #check([subject, payload, ...own]: MessageParts): void {
    if (!isSubject(subject)) throw this.#bad('SINK_BAD_SUBJECT', `${JSON.stringify(subject)} is not a subject to publish to`);
    if (!this.#view.takes(subject)) {
      throw this.#bad('SINK_BAD_SUBJECT', `The stream ${this.#settings.stream} does not take the subject ${JSON.stringify(subject)}`);
    }
    if (!isPayload(payload)) throw this.#bad('SINK_BAD_PAYLOAD', 'encode gave neither text nor bytes for the payload of a message');
    for (let index = 0; index < own.length; index += 2) {
      const name = own[index] as string;
      if (!isHeader(name, own[index + 1])) throw this.#bad('SINK_BAD_HEADER', `${JSON.stringify(name)} cannot be a header of a message`);
    }
    const size = sizeOf(payload);
    const bytes = own.reduce((sum, text) => sum + sizeOf(text), limits.sinkHeaderBytes + sizeOf(subject) + size);
    if (bytes > this.#view.messageBytesMax) {
      throw this.#bad(
        'SINK_MESSAGE_TOO_LARGE',
        `A message has ${size} bytes; with its headers the server takes ${this.#view.messageBytesMax}`,
      );
    }
  }

  #bad(code: keyof typeof badMessageHints, message: string): MillraceError {
    return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where: this.#where, hint: badMessageHints[code] });
  }
}

const sizeOf = (part: string | Uint8Array): number => (typeof part === 'string' ? Buffer.byteLength(part) : part.length);

/** Headers from their names and values in turn; undefined for none. */
export function toHeaders(own: readonly string[], make: typeof headers): MsgHdrs | undefined {
  if (own.length === 0) return undefined;
  const made = make();
  for (let index = 0; index < own.length; index += 2) made.append(own[index] as string, own[index + 1] as string);
  return made;
}
