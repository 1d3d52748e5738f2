/** How a message is declared: once. Types, handlers, validation and `docs/protocol.md` all derive from the declaration. */
import type { Static, TSchema } from 'typebox';

export type Role =
  'job-manager' | 'resource-manager' | 'scheduler' | 'checkpoint-coordinator' | 'task-manager' | 'task' | 'client' | 'observer';

export interface TellDefinition<Body extends TSchema = TSchema> {
  readonly kind: 'tell';
  readonly from: readonly Role[];
  readonly to: readonly Role[];
  /** What the sender says or wants, in one sentence. */
  readonly doc: string;
  readonly body: Body;
}

export interface AskDefinition<Body extends TSchema = TSchema, Reply extends TSchema = TSchema> {
  readonly kind: 'ask';
  readonly from: readonly Role[];
  readonly to: readonly Role[];
  readonly doc: string;
  readonly body: Body;
  readonly reply: Reply;
}

export type MessageDefinition = TellDefinition | AskDefinition;

/** A message that is sent and not answered. It may be lost: something else must heal that. */
export function tell<Body extends TSchema>(definition: Omit<TellDefinition<Body>, 'kind'>): TellDefinition<Body> {
  return { kind: 'tell', ...definition };
}

/** A message that is answered. The asker retries, so whoever answers is idempotent. */
export function ask<Body extends TSchema, Reply extends TSchema>(
  definition: Omit<AskDefinition<Body, Reply>, 'kind'>,
): AskDefinition<Body, Reply> {
  return { kind: 'ask', ...definition };
}

export type BodyOf<D> = D extends { body: infer B extends TSchema } ? Static<B> : never;
export type ReplyOf<D> = D extends { reply: infer R extends TSchema } ? Static<R> : never;
