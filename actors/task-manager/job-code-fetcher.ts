/**
 * Job code of the TaskManager: fetched from the JobManager once a hash, verified, kept by a cache on this machine.
 *
 * JF1  What is handed out has the hash it was asked for.
 * JF2  Requests for one hash that come together share one download.
 */
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { JobCode } from '../../bus/protocol/schemas.js';

/** Where job code stays on this machine. */
export interface JobCodeCache {
  /** URL of the module; undefined when it is not here, or not unchanged. */
  find(sha256: string): Promise<string | undefined>;
  /** Keeps verified bytes; resolves to the URL of the module. */
  put(sha256: string, bytes: Uint8Array): Promise<string>;
}

export interface JobCodeFetcherOptions {
  readonly endpoint: Endpoint;
  readonly cache: JobCodeCache;
}

export class JobCodeFetcher {
  readonly #options: JobCodeFetcherOptions;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(options: JobCodeFetcherOptions) {
    this.#options = options;
  }

  /** URL of the module. Rejects with `JOB_CODE_UNKNOWN`, `JOB_CODE_CORRUPT` or what the bus said. */
  async resolve(code: JobCode): Promise<string> {
    if (code.kind === 'module') return code.url;
    const { sha256 } = code;
    const known = this.#underWay.get(sha256);
    if (known !== undefined) return known;
    const fetching = this.#find(sha256).finally(() => this.#underWay.delete(sha256));
    this.#underWay.set(sha256, fetching);
    return fetching;
  }

  async #find(sha256: string): Promise<string> {
    const url = await this.#options.cache.find(sha256);
    return url ?? this.#options.cache.put(sha256, await this.#download(sha256));
  }

  async #download(sha256: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    const hash = createHash('sha256');
    let bytes = 0;
    for (let index = 0, count = 1; index < count; index++) {
      const chunk = await this.#options.endpoint.ask(
        { kind: 'job-manager' },
        'blob.fetch-chunk',
        { sha256, index },
        { attempts: limits.askAttemptsMax },
      );
      if (chunk.kind === 'unknown') throw codeError('JOB_CODE_UNKNOWN', `the JobManager has no job code ${sha256}`);
      count = chunk.count;
      bytes += chunk.bytes.length;
      if (bytes > limits.blobBytesMax)
        throw codeError('JOB_CODE_CORRUPT', `job code ${sha256} is larger than ${limits.blobBytesMax} bytes`);
      hash.update(chunk.bytes);
      chunks.push(new Uint8Array(chunk.bytes));
    }
    if (hash.digest('hex') !== sha256) throw codeError('JOB_CODE_CORRUPT', `job code ${sha256} arrived with another hash`);
    return concatenate(chunks, bytes);
  }
}

function concatenate(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function codeError(code: string, message: string): MillraceError {
  return new MillraceError(code, message, { domain: 'internal', recovery: 'restart-job' });
}
