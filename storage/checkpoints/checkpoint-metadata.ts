/**
 * The metadata chunk of a completed checkpoint, and the text by which people name a checkpoint.
 *
 * CM1  What was encoded decodes to an equal value; bytes of another format version are refused by name.
 * CM2  A checkpoint path holds length and hash of the metadata, so that it is enough to restore from, without any record
 *      in the HA store.
 */
import { decode, encode } from '../../bus/codec/cbor.js';
import { MillraceError } from '../../core/errors.js';
import type { ChunkHandle, CheckpointPointer, CompletedCheckpoint } from '../contracts.js';
import { parseChunkName } from './chunk-name.js';

const formatVersion = 1;

export function encodeCheckpoint(checkpoint: CompletedCheckpoint): Uint8Array {
  return encode(checkpoint);
}

/** Throws `CHECKPOINT_UNREADABLE` when the bytes are no checkpoint of this format. */
export function decodeCheckpoint(bytes: Uint8Array, where: string): CompletedCheckpoint {
  const value = decoded(bytes) as Partial<CompletedCheckpoint> | null | undefined;
  const isCheckpoint =
    typeof value === 'object' &&
    value?.formatVersion === formatVersion &&
    typeof value.jobId === 'string' &&
    typeof value.checkpointId === 'number' &&
    Array.isArray(value.vertices) &&
    Array.isArray(value.tasks) &&
    Array.isArray(value.sources);
  if (!isCheckpoint) {
    throw new MillraceError('CHECKPOINT_UNREADABLE', 'The metadata is not a checkpoint of format version 1.', {
      domain: 'external',
      recovery: 'fail-job',
      where,
      hint: 'It was written by another version of Millrace, or by something else.',
    });
  }
  return value as CompletedCheckpoint;
}

/** Undefined when the bytes are not even CBOR. */
function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** Every chunk a checkpoint needs, but for its metadata. */
export function chunkNamesOf(checkpoint: CompletedCheckpoint): string[] {
  return checkpoint.tasks.flatMap((task) =>
    task.operators.flatMap(({ keyed, states = [], operatorStateChunks = [] }) =>
      [...[...keyed, ...states].flatMap((handle) => handle.chunks), ...operatorStateChunks].map((chunk) => chunk.name),
    ),
  );
}

/** `<name of the metadata chunk>?bytes=<n>&sha256=<hex>` (CM2). */
export function formatCheckpointPath(metadata: ChunkHandle): string {
  return `${metadata.name}?bytes=${metadata.bytes}&sha256=${metadata.sha256}`;
}

/** The pointer that {@link formatCheckpointPath} wrote; undefined when the text is none. */
export function parseCheckpointPath(text: string): CheckpointPointer | undefined {
  const match = /^([^?]+)\?bytes=(\d{1,15})&sha256=([0-9a-f]{64})$/.exec(text);
  if (match === null) return undefined;
  const name = match[1] as string;
  const { checkpointId } = parseChunkName(name);
  return { checkpointId, metadata: { name, bytes: Number(match[2]), sha256: match[3] as string } };
}
