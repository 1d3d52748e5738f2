/**
 * Makes the checkpoint ids of a job go on above a number; never lowers them.
 *
 * KEYS  1 token, 2 checkpoint ids
 * ARGV  1 epoch, 2 holder, 3 job id, 4 number
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const raiseCheckpointId = defineScript(
  'raise-checkpoint-id',
  `${fencePrelude}
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[3]) or '0')
if last < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
return { 'OK' }
`,
);
