/**
 * Envelopes and replies as bytes, version 1.
 *
 * An envelope is one CBOR map with the fields of `Envelope`; a reply is one CBOR map `{ok, body}` or `{ok, error}`.
 * V1  Reading never throws: what is not an envelope comes back with the reason for the dead letter.
 * V2  Fields that this version does not know are ignored, so that a later version may add some.
 */
import { Compile, Type } from './typebox.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { decode, encode, wireLimits } from '../codec/cbor.js';
import type { DeadLetter, Envelope, ReplyPayload } from '../endpoint-contract.js';
import type { MessageType } from './registry.js';
import { ErrorSchema, LeaderEpochSchema, nullable } from './schemas.js';
import { explainMismatch, isMessageType, matches } from './validation.js';

const label = Type.String({ minLength: 1, maxLength: 512 });
const envelopeChecker = Compile(
  Type.Object({
    id: Type.String({ minLength: 1, maxLength: 128 }),
    type: label,
    from: label,
    to: label,
    leaderEpoch: LeaderEpochSchema,
    attempt: nullable(label),
    correlationId: nullable(label),
    causationId: nullable(label),
    sentAt: Type.Number(),
    body: Type.Unknown(),
  }),
);
const failedReplyChecker = Compile(Type.Object({ ok: Type.Literal(false), error: ErrorSchema }));
/** Bodies above this are not explained when they do not match: that takes longer than a hostile message may cost. */
const explainedBytesMax = 8_192;

/** A message that was read, or why it could not be. */
export type ReadEnvelope =
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'dead'; readonly reason: DeadLetter['reason']; readonly detail: string };

/** Bytes of an envelope whose body was checked. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encode(envelope, wireLimits);
}

/** Reads and checks everything that can be checked without knowing who receives it. */
export function readEnvelope(payload: Uint8Array): ReadEnvelope {
  if (payload.length > limits.controlMessageBytesMax) {
    return dead('oversized', `${payload.length} bytes, at most ${limits.controlMessageBytesMax}`);
  }
  let value: unknown;
  try {
    value = decode(payload, wireLimits);
  } catch (error) {
    return dead('malformed', error instanceof Error ? error.message : String(error));
  }
  const version = isPlainObject(value) ? value['version'] : undefined;
  if (version === undefined) return dead('malformed', 'not an envelope');
  if (version !== 1) return dead('unknown-version', `version ${describe(version)}`);
  if (!envelopeChecker.Check(value)) return dead('malformed', 'an envelope with missing or wrong fields');
  const { type, body } = value;
  if (!isMessageType(type)) return dead('unknown-type', describe(type));
  if (!matches(type, 'body', body)) {
    const why = payload.length <= explainedBytesMax ? explainMismatch(type, 'body', body) : 'it does not match';
    return dead('invalid-body', `${type}: ${why}`);
  }
  // The checks above are what makes it an envelope: version, fields, a known type and the body of that type.
  return { kind: 'envelope', envelope: value as unknown as Envelope };
}

export function encodeReply(reply: ReplyPayload): Uint8Array {
  return encode(reply, wireLimits);
}

/** The reply in the bytes, its body checked; throws `INVALID_REPLY`. */
export function readReply(type: MessageType, payload: Uint8Array): ReplyPayload {
  let value: unknown;
  try {
    value = decode(payload, wireLimits);
  } catch (error) {
    throw invalidReply(type, error instanceof Error ? error.message : String(error));
  }
  if (failedReplyChecker.Check(value)) return { ok: false, error: value.error };
  if (!isPlainObject(value) || value['ok'] !== true) throw invalidReply(type, 'it is neither a result nor an error');
  const body = value['body'];
  if (!matches(type, 'reply', body)) {
    throw invalidReply(type, payload.length <= explainedBytesMax ? explainMismatch(type, 'reply', body) : 'it does not match');
  }
  return { ok: true, body };
}

function invalidReply(type: MessageType, why: string): MillraceError {
  return new MillraceError('INVALID_REPLY', `The answer to ${type} is invalid: ${why}.`, { domain: 'internal', recovery: 'retry' });
}

function dead(reason: DeadLetter['reason'], detail: string): ReadEnvelope {
  return { kind: 'dead', reason, detail };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** Foreign text, cut and quoted. */
function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value === 'number' ? String(value) : typeof value;
}
