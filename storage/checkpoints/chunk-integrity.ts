/**
 * What every checkpoint storage checks alike: handles are made from the bytes written, and bytes read are compared with
 * their handle, so that a damaged or foreign chunk is an error, never state.
 */
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import type { ChunkHandle } from '../contracts.js';

/** SHA-256 in lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function chunkHandleOf(name: string, bytes: Uint8Array): ChunkHandle {
  return { name, bytes: bytes.length, sha256: sha256Of(bytes) };
}

/** Returns the bytes if they are what the handle says; else `CHUNK_CORRUPT`, or `CHUNK_MISSING` when there are none. */
export function verifyChunk(handle: ChunkHandle, bytes: Uint8Array | undefined, where: string): Uint8Array {
  if (bytes === undefined) {
    throw new MillraceError('CHUNK_MISSING', `The chunk ${handle.name} is not there.`, {
      domain: 'external',
      recovery: 'fail-job',
      where,
      hint: 'It was deleted, or another storage is configured than the one the checkpoint was written to.',
    });
  }
  const sha256 = sha256Of(bytes);
  if (bytes.length !== handle.bytes || sha256 !== handle.sha256) {
    throw new MillraceError(
      'CHUNK_CORRUPT',
      `The chunk ${handle.name} holds ${bytes.length} bytes with hash ${sha256.slice(0, 12)}…, expected ${handle.bytes} bytes with ${handle.sha256.slice(0, 12)}….`,
      { domain: 'external', recovery: 'fail-job', where, hint: 'Restore from another retained checkpoint.' },
    );
  }
  return bytes;
}

/** A chunk's name is used once: a second write must bring the same bytes. */
export function chunkExists(name: string, where: string): MillraceError {
  return new MillraceError('CHUNK_EXISTS', `The chunk ${name} was already written with other bytes.`, {
    domain: 'internal',
    recovery: 'restart-job',
    where,
  });
}
