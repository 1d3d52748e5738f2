/** What may stand in a NATS message. */

/** Whether a message may carry it: a name of visible characters without `:`, not one of the server's, and one line of text. */
export const isHeader = (name: string, text: unknown): boolean =>
  /^[!-9;-~]+$/.test(name) && !/^nats-/i.test(name) && typeof text === 'string' && !/[\r\n]/.test(text);

/** Whether this can be the payload of a message. */
export const isPayload = (payload: unknown): payload is string | Uint8Array => typeof payload === 'string' || payload instanceof Uint8Array;

/** What to do about a message that cannot be sent, by the code of the error. */
export const badMessageHints = {
  SINK_BAD_SUBJECT:
    'A subject is names joined by dots, without white space, * and >. A stream takes the subjects it was made with: `nats stream info` shows them.',
  SINK_BAD_HEADER: 'A name is of visible characters without a colon and does not begin with Nats-; a value is one line of text.',
  SINK_BAD_PAYLOAD: 'Let `encode` return a string or a Uint8Array.',
  SINK_MESSAGE_TOO_LARGE: 'Let `encode` return less, or raise max_payload of the server and max_msg_size of the stream.',
} as const;
