/**
 * The end of a program whose reader has gone (`| head -1`): like any program that SIGPIPE ends, at once and without a word.
 * Node ignores SIGPIPE, so a write would fail as an error that nobody handles.
 */

/** What a shell shows for a program that SIGPIPE ended: 128 + 13. */
export const brokenPipeExitCode = 141;

/** For the first lines of a program; what must be cleaned up is cleaned up by its `exit` listeners. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(brokenPipeExitCode);
      throw error;
    });
  }
}
