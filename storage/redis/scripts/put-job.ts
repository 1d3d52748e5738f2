/**
 * Records a job.
 *
 * KEYS  1 token, 2 jobs
 * ARGV  1 epoch, 2 holder, 3 job id, 4 record
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const putJob = defineScript(
  'put-job',
  `${fencePrelude}
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
return { 'OK' }
`,
);
