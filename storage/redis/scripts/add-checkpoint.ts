/**
 * Adds a completed checkpoint and drops the oldest beyond the retained ones: the commit point. Adding one that is there
 * changes nothing and replies what the latest one dropped.
 *
 * KEYS  1 token, 2 checkpoints of the job, 3 dropped checkpoints of the job
 * ARGV  1 epoch, 2 holder, 3 checkpoint id, 4 pointer, 5 how many to retain
 * reply { 'OK', { dropped pointer, … } } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const addCheckpoint = defineScript(
  'add-checkpoint',
  `${fencePrelude}
if redis.call('ZCOUNT', KEYS[2], ARGV[3], ARGV[3]) > 0 then
  return { 'OK', redis.call('LRANGE', KEYS[3], 0, -1) }
end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
redis.call('DEL', KEYS[3])
local dropped = {}
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
if surplus > 0 then
  dropped = redis.call('ZRANGE', KEYS[2], 0, surplus - 1)
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, surplus - 1)
  for _, pointer in ipairs(dropped) do
    redis.call('RPUSH', KEYS[3], pointer)
  end
end
return { 'OK', dropped }
`,
);
