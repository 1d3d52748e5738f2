/**
 * Gives out the next checkpoint id of a job. Run twice it skips one, which is allowed: ids only must not repeat.
 *
 * KEYS  1 token, 2 checkpoint ids
 * ARGV  1 epoch, 2 holder, 3 job id
 * reply { 'OK', id } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const nextCheckpointId = defineScript(
  'next-checkpoint-id',
  `${fencePrelude}return { 'OK', redis.call('HINCRBY', KEYS[2], ARGV[3], 1) }`,
);
