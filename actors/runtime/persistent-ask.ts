/**
 * An ask that does not give up: for facts that must arrive, however long their receiver is away.
 *
 * PA1  The message id stays the same over all tries of a round, so the receiver answers a repetition alike.
 * PA2  It ends with the answer, with the receiver's refusal, or with the end of the endpoint; never by silence.
 * PA3  An answer that says the receiver itself broke is tried again a few times before it counts as a refusal.
 */
import { MillraceError } from '../../core/errors.js';
import type { LeaderEpoch } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import { BusError } from '../../bus/contracts.js';
import type { Address, Endpoint } from '../../bus/endpoint-contract.js';
import type { AskType, MessageBody, MessageReply } from '../../bus/protocol/registry.js';

export interface PersistentAsk<T extends AskType> {
  readonly body: MessageBody<T>;
  readonly leaderEpoch: LeaderEpoch;
  readonly attempt?: string;
  readonly timeoutMs?: number;
}

/** Codes of answers that will be the same however often one asks. */
const finalRefusals = new Set(['MESSAGE_FENCED', 'MESSAGE_INVALID_BODY', 'MESSAGE_UNKNOWN_TYPE', 'MESSAGE_UNKNOWN_VERSION']);
/** Pause after an answer that says the receiver broke, or is not ready for this message. */
const brokenPauseMs = 500;

/** Rejects with the MillraceError of a refusal, or with BusError `closed` when the endpoint was closed. */
export async function askUntilAnswered<T extends AskType>(
  ports: { readonly endpoint: Endpoint; readonly clock: Clock },
  to: Address,
  type: T,
  ask: PersistentAsk<T>,
): Promise<MessageReply<T>> {
  const { body, ...options } = ask;
  for (let broken = 1; ; broken++) {
    try {
      return await ports.endpoint.ask(to, type, body, { ...options, attempts: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (error instanceof BusError) throw error;
      if (error instanceof MillraceError && finalRefusals.has(error.code)) throw error;
      if (broken >= limits.brokenAnswersMax) throw error;
    }
    await new Promise<void>((resolve) => ports.clock.setTimer(brokenPauseMs, resolve));
  }
}
