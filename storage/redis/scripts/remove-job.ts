/**
 * Removes a job's record, and unless they are kept its pointers and counter.
 *
 * KEYS  1 token, 2 jobs, 3 checkpoint ids, 4 checkpoints of the job, 5 dropped checkpoints of the job
 * ARGV  1 epoch, 2 holder, 3 job id, 4 '1' to keep checkpoints, else '0'
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const removeJob = defineScript(
  'remove-job',
  `${fencePrelude}
redis.call('HDEL', KEYS[2], ARGV[3])
if ARGV[4] ~= '1' then
  redis.call('HDEL', KEYS[3], ARGV[3])
  redis.call('DEL', KEYS[4], KEYS[5])
end
return { 'OK' }
`,
);
