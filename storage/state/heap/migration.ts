/**
 * Brings restored values of a state to the version the program asks for.
 *
 * MG1  Every value is migrated once, before any is read; a snapshot under way still holds what it was (ST2).
 */
import { MillraceError, toErrorRecord } from '../../../core/errors.js';
import type { StateDescriptor } from '../contracts.js';
import type { ValueColumn } from './paged-column.js';
import type { ListCell, MapCells } from './state-cells.js';
import type { StateTable } from './state-table.js';
import type { Stamped } from './time-to-live.js';
import { copyValue } from './value-copier.js';

export interface MigrationOptions {
  readonly table: StateTable;
  /** The state, still described as the checkpoint does. */
  readonly index: number;
  readonly migrate: (old: unknown, fromVersion: number) => unknown;
}

export function migrateState({ table, index, migrate }: MigrationOptions): void {
  const { entries } = table;
  const { version, hasTtl } = table.states[index] as StateDescriptor;
  const place = table.placeOf(index);
  const convert = (old: unknown): unknown => {
    const value = migrate(old, version);
    if (value === undefined) throw new TypeError('migrate returned undefined');
    return copyValue(value, place);
  };
  const convertHeld = (held: unknown): unknown =>
    hasTtl ? { value: convert((held as Stamped<unknown>).value), at: (held as Stamped<unknown>).at } : convert(held);
  for (let entry = 0; entry < entries.end; entry += 1) {
    if (!entries.isHeld(entry)) continue;
    try {
      convertSlot(table, index, entry, convertHeld);
    } catch (cause) {
      throw failed(cause, place, entries.keyOf(entry));
    }
  }
}

function convertSlot(table: StateTable, index: number, entry: number, convert: (held: unknown) => unknown): void {
  const column = table.columns[index] as ValueColumn;
  const slot = column.get(entry);
  if (slot === undefined) return;
  const kind = table.states[index]?.kind;
  if (kind === 'list') {
    const cell = slot as ListCell;
    table.replaceItems(entry, index, cell, cell.items.map(convert));
  } else if (kind === 'map') {
    for (const cell of (slot as MapCells).values()) table.replaceCell(entry, index, cell, convert(cell.value));
  } else {
    const value = convert(slot);
    table.touchSlots(entry);
    column.set(entry, value);
    table.guard?.forget(slot);
    table.guard?.put(value, table.placeOf(index), table.entries.keyOf(entry));
  }
}

function failed(cause: unknown, where: string, key: unknown): MillraceError {
  const shown = typeof key === 'bigint' ? `${key}n` : JSON.stringify(key);
  return new MillraceError('STATE_MIGRATION_FAILED', `A value of key ${shown} could not be migrated: ${toErrorRecord(cause).message}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Let migrate return a value for every value of every earlier version.',
    cause,
  });
}
