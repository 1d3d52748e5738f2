/** Puts files on a disk as if they had always been there. */
import type { FileSystem } from '../../core/ports.js';

/** Writes a file, with the directories above it, in place of what was there. */
export async function putFile(files: FileSystem, path: string, content: string | Uint8Array): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/')) || '/';
  await files.makeDirectory(directory);
  const handle = await files.openWrite(path, { exclusive: false });
  await handle.append(typeof content === 'string' ? Buffer.from(content) : content);
  await handle.sync();
  await handle.close();
  await files.syncDirectory(directory);
}
