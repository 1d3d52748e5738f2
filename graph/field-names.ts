/** The names of fields that a user declared, named or selected. */
import { graphError } from './graph-error.js';

/** Refuses what cannot be the names of the fields of one record; `where` names the operator. */
export function checkFields(fields: readonly unknown[], where: string): void {
  if (fields.length === 0) {
    throw graphError('FIELDS_EMPTY', 'No field is named, so that nothing would be left of a record.', {
      where,
      hint: "Name at least one field: 'price'.",
    });
  }
  const seen = new Set<string>();
  for (const field of fields) {
    if (typeof field !== 'string') {
      throw graphError(
        'FIELD_NAME_INVALID',
        `The name of a field is text, not ${field === null ? 'null' : `a value of type ${typeof field}`}.`,
        {
          where,
          hint: "Give the names one by one, as text: 'price', 'quantity'.",
        },
      );
    }
    if (seen.has(field)) {
      throw graphError('FIELD_DUPLICATE', `Field ${JSON.stringify(field)} is named twice.`, { where, hint: 'Name each field once.' });
    }
    // Of a record without the field, it would be read from the prototype as if it were there.
    if (field in Object.prototype) {
      throw graphError('FIELD_INHERITED', `Every object has something named ${JSON.stringify(field)}, so it cannot stand for a field.`, {
        where,
        hint: 'Give the field another name in a map() before, or use a function.',
      });
    }
    seen.add(field);
  }
}
