/**
 * Which output tags an operator has to do with.
 *
 * OT1  What stands in the place of a tag and is none is refused where it is written.
 * OT2  An id is one tag of an operator: its records have the type of that tag. Another tag with the same id, which may have
 *      another type, would read or get them too: it is refused where it is written.
 */
import type { OutputTag } from '../dataflow/functions.js';
import { apiError } from './api-error.js';

/** An output tag, whatever the type of its records. */
export type AnyTag = Pick<OutputTag<unknown>, 'id'>;

/** A tag, and the method that got it. */
export interface NamedTag {
  readonly tag: AnyTag;
  readonly use: string;
}

/** By operator and id. */
const namings = new WeakMap<object, Map<string, NamedTag>>();

/** OT1. */
export function assertTag(tag: AnyTag, use: string): void {
  const id: unknown = (tag as Partial<OutputTag<unknown>> | null | undefined)?.id;
  if (typeof id === 'string' && id !== '') return;
  throw apiError('OUTPUT_TAG_MISSING', `${use} got ${tag === null ? 'null' : typeof tag} instead of an output tag.`, {
    where: use,
    hint: "Make one with outputTag<Order>('late'), outside the builder or before it is used.",
  });
}

/** Notes that an operator has to do with a tag (OT2), and answers its id. */
export function nameTag(operator: { readonly name: string }, { tag, use }: NamedTag): string {
  assertTag(tag, use);
  const { id } = tag;
  const known = namings.get(operator) ?? new Map<string, NamedTag>();
  namings.set(operator, known);
  const first = known.get(id);
  if (first === undefined) known.set(id, { tag, use });
  else if (first.tag !== tag) {
    throw apiError('OUTPUT_TAG_CLASH', `${use} got another tag with the id ${JSON.stringify(id)} than ${first.use} before it.`, {
      where: operator.name,
      hint: 'Use the same tag in both places where the same records are meant, else a tag with another id.',
    });
  }
  return id;
}
