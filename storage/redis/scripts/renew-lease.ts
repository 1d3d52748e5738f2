/**
 * Extends the lease of the latest grant, also when it has run out meanwhile.
 *
 * KEYS  1 lease, 2 token
 * ARGV  1 epoch, 2 holder, 3 lease in ms
 * reply { 'GRANTED', epoch } or { 'HELD', epoch, holder, ms left }
 */
import { defineScript } from '../redis-script.js';

export const renewLease = defineScript(
  'renew-lease',
  `
local granted = redis.call('HMGET', KEYS[2], 'epoch', 'holder')
if granted[1] == ARGV[1] and granted[2] == ARGV[2] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'holder', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'GRANTED', ARGV[1] }
end
return { 'HELD', granted[1] or '0', granted[2] or '', math.max(0, redis.call('PTTL', KEYS[1])) }
`,
);
