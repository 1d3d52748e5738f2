/**
 * Lua scripts: each in a file of its own, with its KEYS, ARGV and reply in the header.
 *
 * LS1  A script checks everything before it writes anything, so that a refusal changes nothing.
 * LS2  Running a script twice in a row is the same as running it once: ioredis sends a command again when its reply was cut.
 */
import { createHash } from 'node:crypto';

export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
}

export function defineScript(name: string, lua: string): RedisScript {
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Start of every fenced script. KEYS[1] is the leader's token, ARGV[1] and ARGV[2] the epoch and holder that write.
 * Replies `{ 'FENCED', epoch, holder }` when a later epoch was granted, or this one never was.
 */
export const fencePrelude = `
local granted = redis.call('HMGET', KEYS[1], 'epoch', 'holder')
if granted[1] ~= ARGV[1] or granted[2] ~= ARGV[2] then
  return { 'FENCED', granted[1] or '', granted[2] or '' }
end
`;
