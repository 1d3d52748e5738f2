/**
 * What a format is to a source of messages: it makes the record of one message.
 *
 * MG1  `decode` throws for what it cannot read: the source then does what its policy for malformed rows says.
 * MG2  Records never alias the bytes of the message: those belong to the connection.
 */
import { isUtf8 } from 'node:buffer';

/** What is known of a message beside its bytes. */
export interface MessageOrigin {
  /** NATS: the subject. Redis: the key of the stream. */
  readonly subject: string;
}

/** A way to make records of messages. `data` is plain and counts in the job's fingerprint. */
export interface MessageFormat<T> {
  readonly name: string;
  readonly data?: unknown;
  decode(bytes: Uint8Array, origin: MessageOrigin): T;
}

/** Messages that are JSON. The type is a promise of the caller: values are parsed, not checked against it. */
export function jsonMessages<T = unknown>(): MessageFormat<T> {
  return { name: 'json', decode: (bytes) => JSON.parse(textOf(bytes)) as T };
}

/** Messages that are text. */
export function textMessages(): MessageFormat<string> {
  return { name: 'text', decode: textOf };
}

/** Messages as bytes. */
export function byteMessages(): MessageFormat<Uint8Array> {
  return { name: 'bytes', decode: (bytes) => new Uint8Array(bytes) };
}

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new Error('the message is not valid UTF-8');
  return text;
}
