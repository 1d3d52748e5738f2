/**
 * Changes nothing: tells whether a token is the latest grant.
 *
 * KEYS  1 token
 * ARGV  1 epoch, 2 holder
 * reply { 'OK' } or { 'FENCED', epoch, holder }
 */
import { defineScript, fencePrelude } from '../redis-script.js';

export const checkToken = defineScript('check-token', `${fencePrelude}return { 'OK' }`);
