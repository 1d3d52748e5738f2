/**
 * Records how a job ended; the first result stays.
 *
 * KEYS  1 token, 2 results
 * ARGV  1 epoch, 2 holder, 3 job id, 4 record
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const putResult = defineScript(
  'put-result',
  `${fencePrelude}
redis.call('HSETNX', KEYS[2], ARGV[3], ARGV[4])
return { 'OK' }
`,
);
