/** Checks of bodies and replies against their declaration; each checker is compiled when it is first needed. */
import type { Validator } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { Compile } from './typebox.js';
import type { MessageDefinition } from './define.js';
import { type MessageType, protocol } from './registry.js';

type Part = 'body' | 'reply';
type Checker = Pick<Validator, 'Check' | 'Errors'>;

const checkers = { body: new Map<MessageType, Checker>(), reply: new Map<MessageType, Checker>() };

/** Whether the text names a message of the protocol. */
export function isMessageType(text: string): text is MessageType {
  return Object.hasOwn(protocol, text);
}

/** The declaration of a message. */
export function definitionOf(type: MessageType): MessageDefinition {
  return protocol[type];
}

/** Whether the value is what the declaration says. Bounded by the size of the value. */
export function matches(type: MessageType, part: Part, value: unknown): boolean {
  return checkerFor(type, part).Check(value);
}

/** What is wrong with a value that does not match, for people. Slow on large values. */
export function explainMismatch(type: MessageType, part: Part, value: unknown): string {
  const first = checkerFor(type, part).Errors(value)[0];
  return first === undefined ? 'it does not match' : `${first.instancePath === '' ? 'it' : first.instancePath} ${first.message}`;
}

function checkerFor(type: MessageType, part: Part): Checker {
  let checker = checkers[part].get(type);
  if (checker === undefined) {
    checker = Compile(schemaOf(type, part));
    checkers[part].set(type, checker);
  }
  return checker;
}

function schemaOf(type: MessageType, part: Part): TSchema {
  const definition = definitionOf(type);
  if (part === 'body') return definition.body;
  if (definition.kind === 'ask') return definition.reply;
  throw new TypeError(`${type} is not an ask: it has no reply`);
}
