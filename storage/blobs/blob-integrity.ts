/**
 * What every blob store checks: a name is 64 lower-case hex digits and the SHA-256 of the content.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { sha256Of } from '../checkpoints/chunk-integrity.js';

const namePattern = /^[0-9a-f]{64}$/;

/** Refuses what is no SHA-256: blob names become paths and keys. */
export function checkBlobName(sha256: string): void {
  if (namePattern.test(sha256)) return;
  throw new MillraceError('BLOB_NAME_INVALID', `${JSON.stringify(sha256.slice(0, 100))} is not a SHA-256 in lower-case hex.`, {
    recovery: 'fail-job',
  });
}

/** Refuses bytes that are not what the name says. */
export function checkBlob(sha256: string, bytes: Uint8Array): void {
  checkBlobName(sha256);
  if (bytes.length > limits.blobBytesMax) {
    throw new MillraceError('BLOB_TOO_LARGE', `The blob has ${bytes.length} bytes; at most ${limits.blobBytesMax} are kept.`, {
      domain: 'user',
      recovery: 'fail-job',
    });
  }
  const actual = sha256Of(bytes);
  if (actual !== sha256) {
    throw new MillraceError('BLOB_CORRUPT', `The blob ${sha256.slice(0, 12)}… has content with hash ${actual.slice(0, 12)}….`, {
      domain: 'external',
      recovery: 'fail-job',
    });
  }
}
