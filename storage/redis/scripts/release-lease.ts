/**
 * Ends a lease before its time, if it is still this holder's.
 *
 * KEYS  1 lease
 * ARGV  1 epoch, 2 holder
 * reply { 'OK' }
 */
import { defineScript } from '../redis-script.js';

export const releaseLease = defineScript(
  'release-lease',
  `
local lease = redis.call('HMGET', KEYS[1], 'epoch', 'holder')
if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
  redis.call('DEL', KEYS[1])
end
return { 'OK' }
`,
);
