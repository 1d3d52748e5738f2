/** Structured lines on standard error through pino: one JSON object a line. */
import { pino, destination, type Logger as Pino } from 'pino';
import type { Logger, LogLevel } from '../../core/ports.js';

export type LogSetting = LogLevel | 'silent';

/** Fields whose name says that they hold a secret are never written. */
const redact = { paths: ['password', 'token', '*.password', '*.token', 'nkeySeed', '*.nkeySeed', 'creds', '*.creds'], censor: '***' };

export function createLogger(level: LogSetting, fields: Readonly<Record<string, unknown>> = {}): Logger {
  const sink = destination({ dest: 2, sync: true });
  return wrap(pino({ level, redact, base: fields, timestamp: () => `,"time":"${new Date().toISOString()}"` }, sink));
}

function wrap(logger: Pino): Logger {
  return {
    log: (level, message, fields) => logger[level](fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
