/**
 * Reads a stream, and what tells whether entries are missing, in one step.
 *
 * KEYS  1 the stream
 * ARGV  1 where to read from: `-`, or `(<id>` for what follows it, 2 where to read to: `+`, or an id, 3 how many entries at most
 * reply {} when there is no such key; else
 *       { length, entries ever added, greatest id, greatest id that was deleted, id of the first entry or '', entries }
 */
import { defineScript } from '../../../storage/redis/redis-script.js';

export const readStreamScript = defineScript(
  'read-stream',
  `
local reply = redis.pcall('XINFO', 'STREAM', KEYS[1])
if reply.err then
  if string.find(reply.err, 'no such key', 1, true) then return {} end
  return reply
end
local info = {}
for at = 1, #reply, 2 do info[reply[at]] = reply[at + 1] end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
return {
  info['length'], info['entries-added'] or -1, info['last-generated-id'], info['max-deleted-entry-id'] or '0-0',
  first[1] and first[1][1] or '', redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
}
`,
);
