/**
 * What an operator does with a record, as a piece of a larger function: neighbours in a chain are compiled into one.
 *
 * A stage does exactly what the function does that `bind` returns. Its code sees `value`, `timestamp` and `keyHash` of the
 * record and the names of `uses`; it leaves the result in `value`, or drops the record with `return`.
 */
export interface RecordStage {
  /** Statements. `$name` stands for the value `name` of `uses`. */
  readonly code: string;
  /** The same for the first records: `$first(…)` around what a user's function returned; it refuses promises (SY1). */
  readonly firstCode?: string;
  readonly uses: Readonly<Record<string, unknown>>;
}

/** A stage and the operator it belongs to. */
export interface NamedStage extends RecordStage {
  readonly operatorName: string;
}
