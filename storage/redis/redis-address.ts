/**
 * Where a Redis is, checked before anything connects, and told to people without its password.
 */
import { MillraceError } from '../../core/errors.js';

export interface RedisAddress {
  /** As ioredis takes it. */
  readonly url: string;
  /** Without a password, for messages. */
  readonly shown: string;
}

/** Throws `CONFIG_INVALID` on anything but `redis://` and `rediss://`. */
export function parseRedisAddress(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    throw new MillraceError('CONFIG_INVALID', 'The address of Redis is not a URL such as redis://host:6379.', {
      domain: 'user',
      recovery: 'crash',
      hint: 'Use redis://[user:password@]host[:port][/database], or rediss:// for TLS.',
    });
  }
  const user = url.password === '' && url.username === '' ? '' : `${url.username}${url.password === '' ? '' : ':***'}@`;
  const database = url.pathname.length > 1 ? url.pathname : '';
  return { url: text, shown: `${url.protocol}//${user}${url.hostname}:${url.port === '' ? '6379' : url.port}${database}` };
}
