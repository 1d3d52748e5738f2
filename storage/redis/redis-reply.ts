/** Replies of our scripts: a tag and what follows. */
import { MillraceError } from '../../core/errors.js';
import type { LeaderEpoch } from '../../core/ids.js';
import type { LeaderToken } from '../contracts.js';
import { fenced } from '../ha/ha-records.js';

export interface ScriptReply {
  readonly tag: string;
  readonly rest: readonly unknown[];
}

/** Throws when a reply is not of the form all our scripts keep. */
export function parseReply(reply: unknown): ScriptReply {
  if (Array.isArray(reply) && reply.length > 0) return { tag: String(reply[0]), rest: reply.slice(1) };
  throw new MillraceError('REDIS_REPLY', 'A script gave a reply that is none of ours.', { domain: 'external', recovery: 'crash' });
}

/** The token in `epoch, holder` of a reply; undefined when nothing was ever granted. */
export function tokenOf(epoch: unknown, holder: unknown): LeaderToken | undefined {
  const text = String(holder);
  return text === '' ? undefined : { epoch: Number(String(epoch)) as LeaderEpoch, holder: text };
}

/** What follows in the reply of a fenced script; throws `FENCED`. */
export function expectOk(reply: unknown, token: LeaderToken): readonly unknown[] {
  const { tag, rest } = parseReply(reply);
  if (tag === 'FENCED') throw fenced(token, tokenOf(rest[0], rest[1]));
  if (tag === 'OK') return rest;
  throw new MillraceError('REDIS_REPLY', `A script replied ${tag}.`, { domain: 'external', recovery: 'crash' });
}
