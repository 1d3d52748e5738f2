/**
 * How an actor sends and receives messages of the protocol: by address, typed, validated once at the edge.
 *
 * E1  A handler sees only messages that are well-formed, of a known type, addressed to one of its roles, not fenced and
 *     not seen before. Everything else is a counted dead letter; an ask among them is answered with an error.
 * E2  A message to an address served by this endpoint is delivered without the bus, through the same checks, later in
 *     the same thread (never inside the caller's stack).
 * E3  An ask is answered at most once; a duplicate of an ask (same message id) gets the remembered answer.
 */
import type { LeaderEpoch, TaskManagerId, JobId } from '../core/ids.js';
import type { ErrorRecord } from '../core/errors.js';
import type { AskType, MessageBody, MessageReply, MessageType, TellType } from './protocol/registry.js';

/** Who can be written to. Turned into a subject in one file, `protocol/subjects.ts`. */
export type Address =
  | { readonly kind: 'job-manager' }
  | { readonly kind: 'resource-manager' }
  /** Scheduler and checkpoint coordinator of a job. */
  | { readonly kind: 'job'; readonly jobId: JobId }
  | { readonly kind: 'task-manager'; readonly taskManagerId: TaskManagerId }
  /** The tasks in a slot. */
  | { readonly kind: 'slot'; readonly taskManagerId: TaskManagerId; readonly slot: number }
  /** Everybody who follows leadership. */
  | { readonly kind: 'leader-events' }
  /** Everybody who watches a job. */
  | { readonly kind: 'job-events'; readonly jobId: JobId };

/** What stands around a body. */
export interface Envelope<T extends MessageType = MessageType> {
  readonly version: 1;
  /** Unique; the key of de-duplication. A retry of an ask keeps it. */
  readonly id: string;
  readonly type: T;
  /** Name of the sending actor, for people: `task-manager.tm-1`. */
  readonly from: string;
  readonly to: string;
  /** Epoch of the leader the sender speaks for or believes in; 0 when it knows none. */
  readonly leaderEpoch: LeaderEpoch;
  readonly attempt: string | null;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  readonly sentAt: number;
  readonly body: MessageBody<T>;
}

export type Handler<T extends MessageType> = T extends AskType
  ? (body: MessageBody<T>, envelope: Envelope<T>) => MessageReply<T> | Promise<MessageReply<T>>
  : (body: MessageBody<T>, envelope: Envelope<T>) => void;

export type Handlers = { readonly [T in MessageType]?: Handler<T> };

/** Decides on the epoch of an incoming envelope: undefined lets it pass, a text says why it is fenced. */
export type FenceGate = (envelope: Envelope) => string | undefined;

export interface ServeOptions {
  readonly handlers: Handlers;
  readonly fence?: FenceGate;
}

export interface AskOptions {
  /** For each try; default 3 s. */
  readonly timeoutMs?: number;
  /** Tries in all, with the same message id; `no-responders`, `timeout` and `disconnected` are tried again. Default 1. */
  readonly attempts?: number;
  /** Pause between tries; default 100 ms; at least 350 ms within 3 s of a reconnection, when healthy peers may still be away. */
  readonly retryDelayMs?: number;
  readonly leaderEpoch?: LeaderEpoch;
  readonly attempt?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
}

export interface TellOptions {
  readonly leaderEpoch?: LeaderEpoch;
  readonly attempt?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
}

/** A message that was not handled, and why. */
export interface DeadLetter {
  readonly reason:
    | 'oversized'
    | 'malformed'
    | 'unknown-version'
    | 'unknown-type'
    | 'invalid-body'
    | 'not-addressed'
    | 'fenced'
    | 'duplicate'
    | 'handler-failed';
  readonly subject: string;
  readonly detail: string;
  readonly at: number;
}

export interface Service {
  stop(): void;
}

/**
 * One participant of the cluster on one bus connection. `ask` rejects with a BusError (delivery failed) or with the
 * MillraceError the other side answered; it never resolves to an invalid reply.
 */
export interface Endpoint {
  readonly name: string;
  /** The largest message it can send. */
  readonly payloadBytesMax: number;
  /** Throws only what is the sender's defect (a body that does not match, or is too large); a lost tell is counted. */
  tell<T extends TellType>(to: Address, type: T, body: MessageBody<T>, options?: TellOptions): void;
  ask<T extends AskType>(to: Address, type: T, body: MessageBody<T>, options?: AskOptions): Promise<MessageReply<T>>;
  serve(address: Address, options: ServeOptions): Service;
  /** Counts by reason (and `undelivered` tells), and the latest dead letters. */
  deadLetters(): { readonly counts: Readonly<Record<string, number>>; readonly latest: readonly DeadLetter[] };
  /** Stops every service; asks under way reject with BusError `closed`. Does not close the bus. */
  close(): void;
}

/** How the failure of a handler travels back. */
export type ReplyPayload = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly error: ErrorRecord };
