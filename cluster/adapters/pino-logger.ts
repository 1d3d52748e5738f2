/** Structured lines on standard error through pino: one JSON object a line, no field of it twice: the nearest value counts. */
import { pino, destination, type Logger as Pino } from 'pino';
import type { Logger, LogLevel } from '../../core/ports.js';

export type LogSetting = LogLevel | 'silent';

/** Fields whose name says that they hold a secret are never written. */
const redact = { paths: ['password', 'token', '*.password', '*.token', 'nkeySeed', '*.nkeySeed', 'creds', '*.creds'], censor: '***' };

export function createLogger(level: LogSetting, fields: Readonly<Record<string, unknown>> = {}): Logger {
  const sink = destination({ dest: 2, sync: true });
  return wrap(pino({ level, redact, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` }, sink), fields);
}

/** pino's own children write a field again that a line also has, which is no JSON that two readers read alike. */
function wrap(logger: Pino, inherited: Readonly<Record<string, unknown>>): Logger {
  return {
    log: (level, message, fields) => {
      if (logger.isLevelEnabled(level)) logger[level]({ ...inherited, ...fields }, message);
    },
    child: (fields) => wrap(logger, { ...inherited, ...fields }),
  };
}
