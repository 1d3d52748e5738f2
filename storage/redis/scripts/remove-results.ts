/**
 * Forgets how jobs ended, except of those that still have a record: they would run again.
 *
 * KEYS  1 token, 2 jobs, 3 results
 * ARGV  1 epoch, 2 holder, 3… job ids
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const removeResults = defineScript(
  'remove-results',
  `${fencePrelude}
for at = 3, #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 then
    redis.call('HDEL', KEYS[3], ARGV[at])
  end
end
return { 'OK' }
`,
);
