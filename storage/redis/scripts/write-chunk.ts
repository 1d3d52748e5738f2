/**
 * Writes a chunk once and lists it under its job; the same bytes again are accepted.
 *
 * KEYS  1 chunk, 2 chunks of the job
 * ARGV  1 bytes, 2 name, 3 checkpoint id
 * reply { 'OK' } or { 'EXISTS' } when other bytes are there
 */
import { defineScript } from '../redis-script.js';

export const writeChunk = defineScript(
  'write-chunk',
  `
local present = redis.call('GET', KEYS[1])
if present and present ~= ARGV[1] then
  return { 'EXISTS' }
end
if not present then
  redis.call('SET', KEYS[1], ARGV[1])
end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
return { 'OK' }
`,
);
