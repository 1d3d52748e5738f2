/** The connection to Redis. */
import { duration, integer, text } from '../option.js';
import { token } from './token.js';

export const redisOptions = {
  redisUrl: text('redis.url', 'redis://127.0.0.1:6379', {
    pattern: /^rediss?:\/\/.+/,
    expected: 'an address such as redis://host:6379',
    description: 'Address of the Redis server; `rediss:` for TLS.',
  }),
  redisUser: text('redis.user', undefined, { description: 'User name.' }),
  redisPassword: text('redis.password', undefined, { isSecret: true, description: 'Password of the user.' }),
  redisDatabase: integer('redis.database', 0, { min: 0, max: 1_024, description: 'Number of the database.' }),
  redisKeyPrefix: text('redis.key-prefix', 'millrace', { ...token, description: 'Beginning of every key.' }),
  redisGiveUpAfter: duration('redis.connect.give-up-after', undefined, {
    description: 'Time without a connection after which a process ends with an error. Default: it tries on for ever.',
  }),
};
