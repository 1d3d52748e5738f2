/** Tells people of calls of user code that do not settle, while they wait for a job. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';

type UnsettledCall = NonNullable<JobSummary['unsettled']>[number];

/** Remembers what it told: each call of each task is told once, for as long as it lasts. */
export class UnsettledNotes {
  #told = new Set<string>();

  /** A line for each call that was not there at the last look. */
  news({ unsettled = [] }: Pick<JobSummary, 'unsettled'>): readonly string[] {
    const lines = unsettled.map((call) => [keyOf(call), lineOf(call)] as const);
    const fresh = lines.filter(([key]) => !this.#told.has(key));
    this.#told = new Set(lines.map(([key]) => key));
    return fresh.map(([, line]) => line);
  }
}

const keyOf = ({ task, operator, call }: UnsettledCall): string => `${task}\n${operator}\n${call}`;

const lineOf = ({ task, operator, call, forMs }: UnsettledCall): string =>
  `${operator}: ${call} has not settled for ${Math.round(forMs / 1_000)} s; ${task} waits for it`;
