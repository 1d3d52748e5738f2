/**
 * What every adapter of a port promises, as cases that any test runner can run: each gets a fresh fixture.
 */
export interface ContractCase<Fixture> {
  /** The promise, as a sentence. */
  readonly name: string;
  run(fixture: Fixture): Promise<void>;
}

export type Contract<Fixture> = readonly ContractCase<Fixture>[];

/** Resolves to the error with this code that the promise rejects with; fails when it does not. */
export async function rejectsWith(code: string, promise: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof Error && (error as { code?: unknown }).code === code) return error;
    throw new Error(`expected an error with code ${code}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`expected an error with code ${code}, got the value ${JSON.stringify(value)}`);
}
