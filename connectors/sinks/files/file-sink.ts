/**
 * Records as lines of files, each exactly once: what users configure. How it is done stands in file-writer.ts.
 */
import { basename, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { Sink } from '../../../dataflow/contracts.js';
import { FileWriter } from './file-writer.js';
import { rollingBounds, type RollingPolicy } from './rolling-policy.js';
import { ConnectorOptions, shown } from '../../connector-options.js';

export interface FileSinkOptions<T> {
  /** Shown in plans; default: `files` and the name of the directory. */
  readonly name?: string;
  /** One line, without its line feed; default JSON (NDJSON files). */
  readonly encode?: (value: T) => string;
  /** What file names begin with; default `part`. */
  readonly prefix?: string;
  /** What file names end with, such as `.ndjson`; default nothing. */
  readonly suffix?: string;
  /**
   * Directory of a record below that of the sink, such as `dt=2015-07-15/hm=00-03`; `timestamp` is its event time in ms,
   * undefined when it has none. Paths that lead elsewhere, and names that begin with `.` or `_`, fail the job.
   */
  readonly partitionBy?: (value: T, timestamp: number | undefined) => string;
  /** When a file ends; default: with each checkpoint, or at 128 MiB. */
  readonly rolling?: RollingPolicy;
  /**
   * Partitions that have an open file at once in a subtask; default 128. One more ends the file of the partition that was
   * not written for longest, so records should come in some order of partitions.
   */
  readonly openFilesMax?: number;
}

/**
 * Writes files `part-<subtask>-<attempt>-<number>-<job and operator>` into a directory: an absolute path or `file:` URL that
 * every TaskManager can write to. Files appear when a checkpoint completes; without checkpoints, at the end of input.
 */
export function fileSink<T>(directory: string | URL, options: FileSinkOptions<T> = {}): Sink<T> {
  const given = new ConnectorOptions('fileSink');
  const target = targetOf(given, directory);
  const { prefix = 'part', suffix = '', partitionBy, openFilesMax = limits.sinkOpenFilesMax } = options;
  checkNames(given, prefix, suffix);
  given.wholeNumber('openFilesMax', openFilesMax);
  const rolling = rollingBounds(given, options.rolling ?? {});
  const encode = options.encode === undefined ? toJson : oneLine(options.encode);
  return {
    name: options.name ?? `files ${basename(target) || target}`,
    data: { directory: target, prefix, suffix },
    createWriter: () => new FileWriter<T>({ directory: target, prefix, suffix, encode, partitionBy, rolling, openFilesMax }),
  };
}

function targetOf(given: ConnectorOptions, directory: string | URL): string {
  const path = directory instanceof URL || directory.startsWith('file:') ? fileURLToPath(directory) : directory;
  if (!isAbsolute(path)) {
    throw given.invalid(
      `${JSON.stringify(path)} is not an absolute path.`,
      'A job may run on other machines and in other folders: hand the directory to the job as a parameter.',
    );
  }
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function checkNames(given: ConnectorOptions, prefix: string, suffix: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(prefix))
    throw given.invalid(`${shown(prefix)} cannot begin file names.`, 'Use letters, digits, "-" and "_".');
  if (!/^[A-Za-z0-9._-]*$/.test(suffix))
    throw given.invalid(`${shown(suffix)} cannot end file names.`, 'Use letters, digits, ".", "-" and "_".');
}

const toJson = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** A line feed inside a line would make two of it. */
function oneLine<T>(encode: (value: T) => string): (value: T) => string {
  return (value) => {
    const line: unknown = encode(value);
    if (typeof line !== 'string') {
      throw new MillraceError('SINK_LINE_MISSING', `\`encode\` returned ${line === null ? 'null' : typeof line} instead of a line.`, {
        domain: 'user',
        recovery: 'fail-job',
        hint: 'Let `encode` return text, or leave it out to write JSON.',
      });
    }
    if (!line.includes('\n')) return line;
    throw new MillraceError('SINK_LINE_FEED', `A line for a file has a line feed in it: ${JSON.stringify(line.slice(0, 120))}`, {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Let `encode` escape line feeds, or leave it out to write JSON.',
    });
  };
}
