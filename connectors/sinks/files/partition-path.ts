/**
 * The directory of a partition, below the directory of the sink: `dt=2015-07-15/hm=00-03`.
 *
 * PP1  It never leads out of the directory, and never to what readers pass over (names that begin with `.` or `_`).
 */
import { MillraceError } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';

/** Throws `SINK_BAD_PARTITION` on what is no such path; `where` is the name of the operator. */
export function checkPartition(partition: unknown, where: string): void {
  const why = typeof partition === 'string' ? faultOf(partition) : 'it is no text';
  if (why === undefined) return;
  throw new MillraceError('SINK_BAD_PARTITION', `partitionBy gave ${shown(partition)}, which names no directory: ${why}`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Return a path below the directory of the sink, such as "dt=2015-07-15/hm=00-03"; escape what comes from records.',
  });
}

function faultOf(partition: string): string | undefined {
  if (partition === '') return 'it is empty';
  if (partition.startsWith('/')) return 'it is absolute';
  if (Buffer.byteLength(partition) > limits.partitionPathBytesMax) return `it has more than ${limits.partitionPathBytesMax} bytes`;
  for (const name of partition.split('/')) {
    if (name === '') return 'a name in it is empty';
    if (name === '..' || name === '.') return 'it goes elsewhere';
    if (name.startsWith('.') || name.startsWith('_')) return `readers pass over ${shown(name)}`;
    if (hasControl(name) || name.includes('\\')) return `${shown(name)} has a character that names must not have`;
    if (Buffer.byteLength(name) > limits.fileNameBytesMax) return `${shown(name)} has more than ${limits.fileNameBytesMax} bytes`;
  }
  return undefined;
}

function hasControl(name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return /\p{Surrogate}/u.test(name);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, limits.exceptionTextMax);
