/**
 * Names of chunks: `<job>/<checkpoint>/<attempt>/<name>/<n>`.
 *
 * CN1  A name is parsed before it becomes a path or a key; a segment is 1 to 115 letters, digits, `-`, `_`, `~` or `.`, and
 *      never `.` or `..`, so that no name can leave its store or outgrow a file name.
 * CN2  The job and the checkpoint id can be read from every name: garbage collection works on them.
 */
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId, JobId } from '../../core/ids.js';

/** What a chunk is called by. `attempt` and `name` make it unique among the writers of one checkpoint. */
export interface ChunkNameParts {
  readonly jobId: JobId;
  readonly checkpointId: CheckpointId;
  /** Who writes: the attempt id of a task, or the leader's epoch for metadata. Never reused by another writer. */
  readonly writer: string;
  /** What is written: an operator id, `metadata` … */
  readonly name: string;
  readonly index: number;
}

const segmentPattern = /^(?!\.{1,2}$)[A-Za-z0-9_~.-]{1,115}$/;
const numberPattern = /^(0|[1-9]\d{0,15})$/;
const segmentCount = 5;

/** The name of a chunk; refuses parts that cannot stand in one (CN1). */
export function formatChunkName(parts: ChunkNameParts): string {
  const name = `${parts.jobId}/${parts.checkpointId}/${parts.writer}/${parts.name}/${parts.index}`;
  parseChunkName(name);
  return name;
}

/** The parts of a name; throws `CHUNK_NAME_INVALID`. */
export function parseChunkName(name: string): ChunkNameParts {
  const segments = name.split('/');
  const [job, checkpoint, writer, subject, index] = segments;
  const isValid =
    segments.length === segmentCount &&
    segments.every((segment) => segmentPattern.test(segment)) &&
    numberPattern.test(checkpoint as string) &&
    numberPattern.test(index as string);
  if (!isValid) {
    throw new MillraceError('CHUNK_NAME_INVALID', `${JSON.stringify(name.slice(0, 300))} is not the name of a chunk.`, {
      domain: 'internal',
      recovery: 'fail-job',
      hint: 'A chunk is named <job>/<checkpoint>/<attempt>/<name>/<n>.',
    });
  }
  return {
    jobId: job as JobId,
    checkpointId: Number(checkpoint) as CheckpointId,
    writer: writer as string,
    name: subject as string,
    index: Number(index),
  };
}
