/**
 * The errors of the FileSystem port: one code each, always with the path.
 */
import { MillraceError, type MillraceErrorOptions } from './errors.js';

export type FileErrorCode = 'FILE_NOT_FOUND' | 'FILE_EXISTS' | 'DISK_FULL' | 'FILE_ACCESS' | 'FILE_IO';

interface FileErrorKind extends MillraceErrorOptions {
  readonly says: string;
}

const kinds: Readonly<Record<FileErrorCode, FileErrorKind>> = {
  FILE_NOT_FOUND: {
    says: 'is not there',
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Check the path; every TaskManager must be able to reach it.',
  },
  FILE_EXISTS: { says: 'is already there', domain: 'external', recovery: 'restart-job' },
  DISK_FULL: { says: 'cannot be written: the disk is full', domain: 'external', recovery: 'restart-job', hint: 'Free space on the disk.' },
  FILE_ACCESS: { says: 'may not be accessed', domain: 'user', recovery: 'fail-job', hint: 'Check the owner and permissions of the path.' },
  FILE_IO: { says: 'cannot be read or written', domain: 'external', recovery: 'restart-job' },
};

/** An error about `path`; `cause` is what the operating system said. */
export function fileError(code: FileErrorCode, path: string, cause?: unknown): MillraceError {
  const { says, ...options } = kinds[code];
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  return new MillraceError(code, `${path} ${says}${reason}.`, { ...options, where: path, ...(cause === undefined ? {} : { cause }) });
}

/** Whether an error says that nothing is at a path. */
export function isFileNotFound(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'FILE_NOT_FOUND';
}
