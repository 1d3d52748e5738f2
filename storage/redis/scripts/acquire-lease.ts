/**
 * Grants the lease when nobody else holds it, or its holder is superseded: always with a new epoch, to its holder too.
 *
 * KEYS  1 lease, 2 token
 * ARGV  1 holder, 2 lease in ms, 3 holder that is superseded or ''
 * reply { 'GRANTED', epoch } or { 'HELD', epoch, holder, ms left }
 */
import { defineScript } from '../redis-script.js';

export const acquireLease = defineScript(
  'acquire-lease',
  `
local lease = redis.call('HMGET', KEYS[1], 'epoch', 'holder')
if lease[2] and lease[2] ~= ARGV[1] and lease[2] ~= ARGV[3] then
  return { 'HELD', lease[1], lease[2], redis.call('PTTL', KEYS[1]) }
end
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('HSET', KEYS[2], 'holder', ARGV[1])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', epoch, 'holder', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { 'GRANTED', tostring(epoch) }
`,
);
