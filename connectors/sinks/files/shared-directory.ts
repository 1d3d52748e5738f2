/**
 * A directory that every TaskManager must see as one and the same.
 *
 * SD1  `.millrace/<job id>` in it holds a random token, written by whoever creates the file (exclusively). Subtasks that
 *      see different tokens do not share the directory; the JobManager compares.
 * SD2  A marker that stays empty (its creator died between two steps) is replaced, atomically, after a while.
 */
import { MillraceError } from '../../../core/errors.js';
import type { Clock, FileSystem, Random } from '../../../core/ports.js';

export interface ClaimOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute; created when it is not there. */
  readonly directory: string;
  readonly jobId: string;
}

const tokenBytes = 16;
const waitMs = 20;
const waitsMax = 100;

/** The token of the directory: the same for all who see the same directory. */
export async function claimDirectory(options: ClaimOptions): Promise<string> {
  const { files, directory, jobId, random } = options;
  const markers = `${directory}/.millrace`;
  const marker = `${markers}/${jobId}`;
  await makeDurably(files, markers);
  const token = random.hex(tokenBytes);
  try {
    await writeToken(files, marker, token);
    await files.syncDirectory(markers);
    return await readToken(options, marker);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'FILE_EXISTS') throw error;
  }
  return readToken(options, marker);
}

/** Makes a directory with all above it, so that they survive a power cut. */
async function makeDurably(files: FileSystem, directory: string): Promise<void> {
  const missing: string[] = [];
  for (let path = directory; path !== '' && (await files.stat(path)) === undefined; path = parentOf(path)) missing.push(path);
  if (missing.length === 0) return;
  await files.makeDirectory(directory);
  for (const path of missing.reverse()) await files.syncDirectory(parentOf(path) || '/');
}

async function writeToken(files: FileSystem, path: string, token: string): Promise<void> {
  const handle = await files.openWrite(path, { exclusive: true });
  try {
    await handle.append(Buffer.from(token));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readToken({ files, clock, random, directory }: ClaimOptions, marker: string): Promise<string> {
  for (let waits = 1; ; waits++) {
    const token = Buffer.from(await files.readFile(marker)).toString('utf8');
    if (token.length === 2 * tokenBytes) return token;
    if (waits % waitsMax === 0) await replaceToken(files, marker, random);
    if (waits === 3 * waitsMax) {
      throw new MillraceError('SINK_MARKER_UNREADABLE', `The marker ${marker} cannot be read or written`, {
        domain: 'external',
        hint: `Remove it, and check that every TaskManager may write to ${directory}.`,
      });
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
  }
}

/** SD2. */
async function replaceToken(files: FileSystem, marker: string, random: Random): Promise<void> {
  const token = random.hex(tokenBytes);
  const temporary = `${marker}.${token}`;
  try {
    await writeToken(files, temporary, token);
    await files.rename(temporary, marker);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
  await files.syncDirectory(parentOf(marker));
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
