/**
 * How far the source readers of a job that wait for each other may read (watermark alignment).
 *
 * AG1  A reader may read up to the lowest event time that a reader of its group has come to, plus the drift it allows. So
 *      the one that is furthest behind may always read.
 * AG2  Readers that are idle, at their end, or have not reported since they started hold nobody.
 */
import type { OperatorId } from '../../core/ids.js';

/** One source subtask. */
export interface AlignedReader {
  readonly operatorId: OperatorId;
  readonly subtaskIndex: number;
}

export interface AlignmentReport {
  readonly group: string;
  readonly maxDriftMs: number;
  /** Null: it holds nobody. */
  readonly watermark: number | null;
}

/** Of one job; see the head of this file. */
export class AlignmentGroups {
  /** Group → reader → the time it has come to. */
  readonly #groups = new Map<string, Map<string, number>>();

  /** Takes what a reader says; how far it may read, undefined: as far as it likes. */
  report(reader: AlignedReader, { group, maxDriftMs, watermark }: AlignmentReport): number | undefined {
    const members = this.#groups.get(group) ?? new Map<string, number>();
    this.#groups.set(group, members);
    if (watermark === null) members.delete(keyOf(reader));
    else members.set(keyOf(reader), watermark);
    if (members.size === 0) return undefined;
    let lowest = Infinity;
    for (const time of members.values()) if (time < lowest) lowest = time;
    return lowest + maxDriftMs;
  }

  /** The reader starts anew. */
  forget(reader: AlignedReader): void {
    for (const members of this.#groups.values()) members.delete(keyOf(reader));
  }
}

const keyOf = ({ operatorId, subtaskIndex }: AlignedReader): string => `${operatorId}/${subtaskIndex}`;
