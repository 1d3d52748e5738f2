/** A logger that says nothing, and one that remembers. */
import type { Logger, LogLevel } from '../../core/ports.js';

export const silentLogger: Logger = { log: () => undefined, child: () => silentLogger };

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger and the lines it got so far. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const make = (bound: Readonly<Record<string, unknown>>): Logger => ({
    log: (level, message, fields) => void lines.push({ level, message, fields: { ...bound, ...fields } }),
    child: (fields) => make({ ...bound, ...fields }),
  });
  return { logger: make({}), lines };
}
