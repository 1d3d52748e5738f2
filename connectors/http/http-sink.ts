/**
 * Records as requests over HTTP, at least once: what users configure. How it is done stands in http-writer.ts.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Duration } from '../../core/quantities.js';
import type { Sink } from '../../dataflow/contracts.js';
import { shownUrl } from './http-request.js';
import { HttpWriter } from './http-writer.js';
import { ConnectorOptions } from '../connector-options.js';

export interface HttpBatchOptions {
  /** Records of one request; fewer when `linger` passes, or a checkpoint comes. */
  readonly recordsMax: number;
  /** How long a record waits for others; default 20 ms. */
  readonly linger?: Duration;
  /** The body of a batch, from what `encode` made of its records; default: a JSON array. */
  readonly join?: (parts: readonly string[]) => string;
}

export interface HttpSinkOptions<T> {
  /** `http:` or `https:`. User and password in it are sent as basic authentication. Nothing but the host is ever shown. */
  readonly url: string | ((value: T) => string);
  /** Shown in plans; default: `http` and the host. */
  readonly name?: string;
  /** Default POST. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Default: `Content-Type: application/json`, unless `encode` is given. */
  readonly headers?: Readonly<Record<string, string>> | ((value: T) => Readonly<Record<string, string>>);
  /** Body of a record; default: its JSON. */
  readonly encode?: (value: T) => string;
  /** Several records a request; then url and headers are the same for all. */
  readonly batch?: HttpBatchOptions;
  /** Of one try, with its answer; default 10 s. */
  readonly timeout?: Duration;
  /** How long a request is tried before the task fails; default 1 min. */
  readonly patience?: Duration;
  /** Requests under way in one subtask; default 8. With 1, they arrive in order. */
  readonly requestsMax?: number;
  /**
   * A key by which the server knows a request it had before: made from the record; or from its `position` (job, operator,
   * subtask, count), which is the same after a restart only if records come in the same order then.
   */
  readonly idempotencyKey?: 'position' | ((value: T) => string);
  /** Default `Idempotency-Key`. */
  readonly idempotencyHeader?: string;
}

/** Any 2xx is success. 408, 425, 429, 5xx and network errors are tried again; other answers fail the job. */
export function httpSink<T>(options: HttpSinkOptions<T>): Sink<T> {
  const { url, batch, idempotencyKey, requestsMax = limits.sinkRequestsMax } = options;
  const shown = typeof url === 'string' ? shownUrl(url) : undefined;
  if (typeof url === 'string' && shown === undefined) {
    throw new MillraceError('HTTP_URL_INVALID', 'The address of the HTTP sink is not a URL such as https://host/path.', {
      domain: 'user',
      recovery: 'fail-job',
      where: 'httpSink',
      hint: 'Give the whole address, as text or as a function of the record.',
    });
  }
  const given = new ConnectorOptions('httpSink');
  if (batch !== undefined && (typeof url !== 'string' || typeof options.headers === 'function' || idempotencyKey !== undefined))
    throw given.invalid(
      'A batch of records was given an address, headers or an idempotency key that depend on the record.',
      'With batches, url and headers are the same for all records, and requests have no idempotency key: they differ after a restart.',
    );
  if (batch !== undefined) given.wholeNumber('batch.recordsMax', batch.recordsMax);
  given.wholeNumber('requestsMax', requestsMax);
  const timeoutMs = given.duration('timeout', options.timeout ?? '10 s', 1);
  const patienceMs = given.duration('patience', options.patience ?? '1 min', 1);
  const lingerMs = given.duration('batch.linger', batch?.linger ?? limits.sinkLingerMs, 1);
  return {
    name: options.name ?? `http ${shown ?? 'requests'}`,
    data: { ...(shown === undefined ? {} : { url: shown }), isBatched: batch !== undefined },
    createWriter: () =>
      new HttpWriter<T>({
        urlOf: typeof url === 'string' ? () => url : url,
        method: options.method ?? 'POST',
        headersOf: headersOf(options),
        encode: options.encode ?? ((value) => JSON.stringify(value) ?? 'null'),
        join: batch === undefined ? undefined : (batch.join ?? ((parts) => `[${parts.join(',')}]`)),
        timeoutMs,
        patienceMs,
        key: idempotencyKey,
        keyHeader: options.idempotencyHeader ?? 'Idempotency-Key',
        bounds: { recordsMax: batch?.recordsMax ?? 1, bytesMax: limits.sinkPublishWindowBytes, lingerMs, requestsMax },
      }),
  };
}

function headersOf<T>({ headers, encode }: HttpSinkOptions<T>): (value: T) => Readonly<Record<string, string>> {
  if (typeof headers === 'function') return headers;
  const all = headers ?? (encode === undefined ? { 'Content-Type': 'application/json' } : {});
  return () => all;
}
