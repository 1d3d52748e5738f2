/**
 * Applies commands of a transaction that were not applied yet, and notes how far it came: running it twice is running it
 * once. The note holds the latest transaction of one writer; an older one was applied before it, or never completed.
 * A command that fails stops it there: what came before is noted, so that a repetition goes on with that command.
 *
 * KEYS  1 notes: a hash
 * ARGV  1 writer (field of the hash), 2 epoch, 3 attempt and 4 number of the transaction, 5 index of the first command
 *       given, then for each command how many words it has and the words
 * reply { 'APPLIED', commands applied so far }, { 'SUPERSEDED' },
 *       { 'GAP', commands applied so far } when commands between those and the given ones are missing,
 *       { 'FAILED', index of the command, what Redis said }
 */
import { defineScript } from '../../../storage/redis/redis-script.js';

export const applyCommands = defineScript(
  'apply-commands',
  `
local note = redis.call('HGET', KEYS[1], ARGV[1])
local applied = 0
if note then
  local parts = {}
  for part in string.gmatch(note, '%d+') do parts[#parts + 1] = tonumber(part) end
  local order = 0
  for i = 1, 3 do
    if order == 0 then
      local mine = tonumber(ARGV[i + 1])
      if parts[i] > mine then order = 1 elseif parts[i] < mine then order = -1 end
    end
  end
  if order == 1 then return { 'SUPERSEDED' } end
  if order == 0 then applied = parts[4] end
end
local index = tonumber(ARGV[5])
if index > applied then return { 'GAP', applied } end
local function write_note()
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. applied)
end
local position = 6
while ARGV[position] do
  local words = tonumber(ARGV[position])
  if index >= applied then
    local reply = redis.pcall(unpack(ARGV, position + 1, position + words))
    if type(reply) == 'table' and reply.err then
      if applied > 0 then write_note() end
      return { 'FAILED', index, reply.err }
    end
    applied = index + 1
  end
  index = index + 1
  position = position + 1 + words
end
write_note()
return { 'APPLIED', applied }
`,
);
