/** What may stand in a NATS message. */

/** Whether a message may carry it: a name of visible characters without `:`, not one of the server's, and one line of text. */
export const isHeader = (name: string, text: unknown): boolean =>
  /^[!-9;-~]+$/.test(name) && !/^nats-/i.test(name) && typeof text === 'string' && !/[\r\n]/.test(text);

/** Whether this can be the payload of a message. */
export const isPayload = (payload: unknown): payload is string | Uint8Array => typeof payload === 'string' || payload instanceof Uint8Array;
