/**
 * Removes chunks of one job. With an epoch it is fenced, without one it is not.
 *
 * KEYS  1 token, 2 chunks of the job, 3… chunks
 * ARGV  1 epoch or '', 2 holder or '', 3… names of the chunks, in the order of KEYS 3…
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const removeChunks = defineScript(
  'remove-chunks',
  `
if ARGV[1] ~= '' then
${fencePrelude}
end
for index = 3, #KEYS do
  redis.call('UNLINK', KEYS[index])
  redis.call('ZREM', KEYS[2], ARGV[index])
end
return { 'OK' }
`,
);
