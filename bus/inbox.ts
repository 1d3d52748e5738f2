/**
 * The receiving half of an endpoint: bytes in, handler calls and answers out. Keeps E1 and E3 of bus/endpoint-contract.ts.
 *
 * I1  `receive` never throws and never leaves a promise without a catch, whatever the bytes and whatever handlers do.
 * I2  The order of the checks: size → CBOR → envelope → version → type → body → address → fence → duplicate. A fenced
 *     message is not remembered, so that it may come again once the receiver has caught up.
 */
import { type ErrorRecord, MillraceError, toErrorRecord } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import type { DeadLetters } from './dead-letters.js';
import type { DeadLetter, Envelope, ReplyPayload, ServeOptions } from './endpoint-contract.js';
import { encodeReply, readEnvelope } from './protocol/envelope.js';
import { definitionOf, explainMismatch, matches } from './protocol/validation.js';
import { RememberedMessages, type Respond } from './remembered-messages.js';

export interface InboxOptions {
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  /** Largest answer in bytes. */
  readonly answerBytesMax: number;
}

/** A handler as the inbox calls it: the type of the body was checked against the declaration. */
type AnyHandler = (body: unknown, envelope: Envelope) => unknown;

export class Inbox {
  readonly #deadLetters: DeadLetters;
  readonly #logger: Logger;
  readonly #answerBytesMax: number;
  readonly #remembered = new RememberedMessages();

  constructor(options: InboxOptions) {
    this.#deadLetters = options.deadLetters;
    this.#logger = options.logger;
    this.#answerBytesMax = options.answerBytesMax;
  }

  /** Handles one message that came for `addressName`, which `services` serve. */
  receive(
    subject: string,
    addressName: string,
    payload: Uint8Array,
    respond: Respond | undefined,
    services: readonly ServeOptions[],
  ): void {
    const read = readEnvelope(payload);
    if (read.kind === 'dead') {
      this.#bury(read.reason, subject, read.detail, respond);
      return;
    }
    const { envelope } = read;
    const about = `${envelope.type} from ${envelope.from}`;
    const isAsk = definitionOf(envelope.type).kind === 'ask';
    if (isAsk && respond === undefined) {
      this.#bury('malformed', subject, `${about}: an ask that cannot be answered`, undefined);
      return;
    }
    const handling = services.filter((service) => service.handlers[envelope.type] !== undefined);
    if (envelope.to !== addressName || handling.length === 0) {
      this.#bury('not-addressed', subject, `${about} to ${envelope.to}`, respond);
      return;
    }
    const fences = handling.map((service) => this.#fence(service, envelope));
    const open = handling.filter((_, index) => fences[index] === undefined);
    if (open.length === 0) {
      this.#bury('fenced', subject, `${about}: ${fences[0]}`, respond);
      return;
    }
    if (!this.#remembered.admit(envelope.id, isAsk ? this.#guarded(respond) : undefined)) {
      this.#deadLetters.add('duplicate', subject, about);
      return;
    }
    if (isAsk) this.#answer(open[0] as ServeOptions, subject, envelope, respond as Respond);
    else open.forEach((service, index) => this.#tell(service, subject, index === 0 ? envelope : structuredClone(envelope)));
  }

  #fence(service: ServeOptions, envelope: Envelope): string | undefined {
    try {
      return service.fence?.(envelope);
    } catch (error) {
      return `the fence failed: ${toErrorRecord(error).message}`;
    }
  }

  #tell(service: ServeOptions, subject: string, envelope: Envelope): void {
    this.#call(service, envelope).then(undefined, (error: unknown) => this.#handlerFailed(subject, envelope, error));
  }

  #answer(service: ServeOptions, subject: string, envelope: Envelope, respond: Respond): void {
    const settle = (reply: ReplyPayload): void => {
      const payload = this.#encode(envelope, reply);
      const waiting = this.#remembered.settle(envelope.id, payload) ?? [this.#guarded(respond)];
      for (const waiter of waiting) waiter(payload);
    };
    this.#call(service, envelope).then(
      (body) => {
        if (matches(envelope.type, 'reply', body)) settle({ ok: true, body });
        else {
          const error = this.#invalidReply(envelope, body);
          this.#handlerFailed(subject, envelope, error);
          settle({ ok: false, error: toErrorRecord(error) });
        }
      },
      (error: unknown) => {
        // A MillraceError is an answer; anything else is a defect of the handler.
        if (!(error instanceof MillraceError)) this.#handlerFailed(subject, envelope, error);
        settle({ ok: false, error: toErrorRecord(error) });
      },
    );
  }

  /** Calls the handler now; its outcome comes as a promise in either case. */
  #call(service: ServeOptions, envelope: Envelope): Promise<unknown> {
    const handler = service.handlers[envelope.type] as AnyHandler;
    try {
      return Promise.resolve(handler(envelope.body, envelope));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #encode(envelope: Envelope, reply: ReplyPayload): Uint8Array {
    let why: string;
    try {
      const payload = encodeReply(reply);
      if (payload.length <= this.#answerBytesMax) return payload;
      why = `it has ${payload.length} bytes, at most ${this.#answerBytesMax} can be sent`;
    } catch (error) {
      why = toErrorRecord(error).message;
    }
    this.#logger.log('error', 'an answer could not be sent', { type: envelope.type, why });
    const code = reply.ok ? 'UNSENDABLE_REPLY' : reply.error.code;
    return encodeReply({ ok: false, error: plainError(code, `The answer to ${envelope.type} could not be sent: ${why}.`) });
  }

  #invalidReply(envelope: Envelope, body: unknown): MillraceError {
    const why = explainMismatch(envelope.type, 'reply', body);
    return new MillraceError('INVALID_REPLY', `The handler of ${envelope.type} gave an invalid answer: ${why}.`);
  }

  #handlerFailed(subject: string, envelope: Envelope, error: unknown): void {
    const record = toErrorRecord(error);
    this.#deadLetters.add('handler-failed', subject, `${envelope.type} from ${envelope.from}: ${record.message}`);
    this.#logger.log('error', 'a message handler failed', { type: envelope.type, from: envelope.from, error: record });
  }

  #bury(reason: DeadLetter['reason'], subject: string, detail: string, respond: Respond | undefined): void {
    this.#deadLetters.add(reason, subject, detail);
    if (respond === undefined) return;
    const code = `MESSAGE_${reason.toUpperCase().replaceAll('-', '_')}`;
    this.#guarded(respond)(
      encodeReply({ ok: false, error: plainError(code, `The message was not handled (${reason}): ${detail.slice(0, 300)}.`) }),
    );
  }

  /** Answering may fail because the connection is gone; the asker's time-out tells it. */
  #guarded(respond: Respond | undefined): Respond {
    return (payload) => {
      try {
        respond?.(payload);
      } catch (error) {
        this.#logger.log('debug', 'an answer was not sent', { error: toErrorRecord(error) });
      }
    };
  }
}

function plainError(code: string, message: string): ErrorRecord {
  return { code, domain: 'internal', recovery: 'retry', message };
}
