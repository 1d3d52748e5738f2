/**
 * Every key Millrace uses in Redis.
 *
 * RK1  All keys of a cluster carry one hash tag, so that scripts over several of them work in a Redis Cluster too.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `<tag>:leader:token` | hash `epoch`, `holder` | the latest grant; never expires |
 * | `<tag>:leader:lease` | hash `epoch`, `holder`, with a time to live | who leads now |
 * | `<tag>:jobs` | hash job id → CBOR | jobs to recover |
 * | `<tag>:results` | hash job id → CBOR | how jobs ended |
 * | `<tag>:checkpoint-ids` | hash job id → number | the last checkpoint id given out |
 * | `<tag>:job:<job>:checkpoints` | sorted set, score = checkpoint id | pointers of completed checkpoints, JSON |
 * | `<tag>:job:<job>:dropped` | list | pointers that the latest checkpoint dropped, JSON |
 * | `<tag>:job:<job>:chunks` | sorted set, score = checkpoint id | names of the job's chunks |
 * | `<tag>:chunk:<name>` | string | bytes of a chunk |
 * | `<tag>:blob:<sha256>` | string | bytes of a blob |
 */
import { MillraceError } from '../../core/errors.js';
import { isSubjectToken, type JobId } from '../../core/ids.js';

export interface RedisKeysOptions {
  /** Default `millrace`. */
  readonly prefix?: string;
  /** Cluster id; default `default`. */
  readonly cluster?: string;
}

export class RedisKeys {
  readonly leaderToken: string;
  readonly leaderLease: string;
  readonly jobs: string;
  readonly results: string;
  readonly checkpointIds: string;
  private readonly tag: string;

  constructor(options: RedisKeysOptions = {}) {
    const { prefix = 'millrace', cluster = 'default' } = options;
    for (const part of [prefix, cluster]) {
      if (!isSubjectToken(part)) {
        throw new MillraceError('CONFIG_INVALID', `${JSON.stringify(part)} cannot be part of a Redis key.`, {
          domain: 'user',
          recovery: 'crash',
          hint: 'Use 1 to 128 letters, digits, "-" or "_" for prefix and cluster id.',
        });
      }
    }
    this.tag = `{${prefix}.${cluster}}`;
    this.leaderToken = `${this.tag}:leader:token`;
    this.leaderLease = `${this.tag}:leader:lease`;
    this.jobs = `${this.tag}:jobs`;
    this.results = `${this.tag}:results`;
    this.checkpointIds = `${this.tag}:checkpoint-ids`;
  }

  checkpoints(job: JobId): string {
    return `${this.tag}:job:${job}:checkpoints`;
  }

  dropped(job: JobId): string {
    return `${this.tag}:job:${job}:dropped`;
  }

  chunks(job: JobId): string {
    return `${this.tag}:job:${job}:chunks`;
  }

  chunk(name: string): string {
    return `${this.tag}:chunk:${name}`;
  }

  blob(sha256: string): string {
    return `${this.tag}:blob:${sha256}`;
  }
}
