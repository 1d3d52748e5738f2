/**
 * Records as requests over HTTP, at least once.
 *
 * HW1  What cannot be a request fails the job at the record, with the name of the operator, and without what may be secret.
 * HW2  A key by position counts the records of this subtask since the job began, over restarts. With another parallelism
 *      the count starts anew under the id of the checkpoint, as records take other ways then.
 */
import { MillraceError } from '../../core/errors.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { AtLeastOnceWriter, type BatchBounds } from '../sinks/at-least-once-writer.js';
import { deliver, shownUrl, type HttpRequest } from './http-request.js';

export interface HttpWriterSettings<T> {
  readonly urlOf: (value: T) => string;
  readonly method: string;
  readonly headersOf: (value: T) => Readonly<Record<string, string>>;
  readonly encode: (value: T) => string;
  /** Undefined: a request a record. */
  readonly join: ((parts: readonly string[]) => string) | undefined;
  readonly timeoutMs: number;
  readonly patienceMs: number;
  readonly key: 'position' | ((value: T) => string) | undefined;
  readonly keyHeader: string;
  readonly bounds: BatchBounds;
}

/** Where keys by position stand. */
interface Position {
  readonly subtaskIndex: number;
  readonly parallelism: number;
  /** Id of the checkpoint with which the count began; 0: the beginning. */
  readonly generation: number;
  readonly count: number;
}

export class HttpWriter<T> extends AtLeastOnceWriter<T, HttpRequest> {
  readonly #settings: HttpWriterSettings<T>;
  readonly #closing = new AbortController();
  #generation = 0;
  #count = 0;

  constructor(settings: HttpWriterSettings<T>) {
    super(settings.bounds);
    this.#settings = settings;
  }

  /** HW2. */
  protected override prepare({ restored, restoredCheckpointId, task }: OperatorContext): void {
    const former = (restored ?? []) as readonly Position[];
    const [own] = former;
    const isOwn = former.length === 1 && own?.subtaskIndex === task.subtaskIndex && own.parallelism === task.parallelism;
    this.#generation = isOwn && own !== undefined ? own.generation : (restoredCheckpointId ?? 0);
    this.#count = isOwn && own !== undefined ? own.count : 0;
  }

  snapshot(): Position | undefined {
    if (this.#settings.key !== 'position') return undefined;
    const { subtaskIndex, parallelism } = this.context.task;
    return { subtaskIndex, parallelism, generation: this.#generation, count: this.#count };
  }

  protected toItem(value: T): HttpRequest {
    const { urlOf, method, headersOf, encode } = this.#settings;
    const url = this.#urlOf(urlOf(value));
    const headers = this.#headersOf(headersOf(value));
    if (url.username !== '' || url.password !== '') {
      const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
      headers.set('Authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
      url.username = '';
      url.password = '';
    }
    const body = encode(value);
    if (typeof body !== 'string') throw this.#bad('SINK_BAD_BODY', 'encode gave no text for the body of a request');
    this.#addKey(headers, value);
    return { url, method, headers, body };
  }

  protected bytesOf({ body }: HttpRequest): number {
    return body.length;
  }

  protected async send(batch: readonly HttpRequest[]): Promise<void> {
    const { join, timeoutMs, patienceMs } = this.#settings;
    const [first] = batch as [HttpRequest, ...HttpRequest[]];
    const request = join === undefined ? first : { ...first, body: join(batch.map(({ body }) => body)) };
    const { clock, random, operatorName } = this.context;
    await deliver(request, { clock, random, where: operatorName, timeoutMs, patienceMs, signal: this.#closing.signal });
  }

  protected override release(): void {
    this.#closing.abort();
  }

  #urlOf(text: unknown): URL {
    if (typeof text === 'string' && shownUrl(text) !== undefined) return new URL(text);
    throw this.#bad('SINK_BAD_URL', 'A record gave an address that is no URL such as https://host/path');
  }

  #headersOf(fields: Readonly<Record<string, string>>): Headers {
    const headers = new Headers();
    for (const [name, text] of Object.entries(fields)) this.#set(headers, name, text);
    return headers;
  }

  #addKey(headers: Headers, value: T): void {
    const { key, keyHeader } = this.#settings;
    if (key === undefined) return;
    const { task, operatorId } = this.context;
    const text = key === 'position' ? `${task.jobId}-${operatorId}-${task.subtaskIndex}-${this.#generation}-${this.#count++}` : key(value);
    this.#set(headers, keyHeader, text);
  }

  /** What `Headers` says when it refuses one holds its value. */
  #set(headers: Headers, name: string, text: string): void {
    try {
      headers.set(name, text);
    } catch {
      throw this.#bad('SINK_BAD_HEADER', `${JSON.stringify(name)} cannot be a header with the value a record gave`);
    }
  }

  #bad(code: string, message: string): MillraceError {
    return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where: this.context.operatorName });
  }
}
