/**
 * Fingerprints: whether a job that was built again is the job that was submitted.
 *
 * FP1  Equal in client and slots exactly when the builder built the same operators, data and edges.
 * FP2  A difference names the first operator, in topological order, that differs, and what about it.
 */
import type { OperatorId } from '../core/ids.js';
import { digestOf } from './digest.js';
import { graphError } from './graph-error.js';
import type { Topology } from './topology.js';
import type { JobGraph } from './types.js';

type OperatorFingerprint = JobGraph['operatorFingerprints'][number];

/** One digest an operator, over everything the user decided about it but its functions. */
export function operatorFingerprintsOf(topology: Topology, idOf: (node: number) => OperatorId): readonly OperatorFingerprint[] {
  return topology.nodes.map((node) => {
    const { kind, type, name, uid, parallelism, maxParallelism, slotSharingGroup, chaining, isKeyed, data, fieldUse, secondFieldUse } =
      node;
    const inputs = topology
      .inputsOf(node.id)
      .map(({ source, partitioner, inputIndex, sideOutput, keyFields }) => [
        idOf(source),
        partitioner,
        inputIndex,
        sideOutput,
        ...(keyFields === undefined ? [] : [keyFields]),
      ]);
    const settings = { kind, type, name, uid, parallelism, maxParallelism, slotSharingGroup, chaining, isKeyed, data, inputs };
    const content = {
      ...settings,
      ...(fieldUse === undefined ? {} : { fieldUse }),
      ...(secondFieldUse === undefined ? {} : { secondFieldUse }),
    };
    return { operatorId: idOf(node.id), name, digest: digestOf(content, name) };
  });
}

/** The fingerprint of a whole job graph (FP1). */
export function fingerprintOf(content: Omit<JobGraph, 'settings' | 'fingerprint'>): string {
  return digestOf(content, content.name);
}

/** Where two builds of one job part. */
export interface FingerprintDifference {
  /** Undefined when the operators are the same and the rest differs. */
  readonly operatorName: string | undefined;
  readonly explanation: string;
}

/** The first difference (FP2); undefined when the jobs are the same. */
export function compareFingerprints(submitted: JobGraph, rebuilt: JobGraph): FingerprintDifference | undefined {
  if (submitted.fingerprint === rebuilt.fingerprint) return undefined;
  const length = Math.max(submitted.operatorFingerprints.length, rebuilt.operatorFingerprints.length);
  for (let index = 0; index < length; index += 1) {
    const before = submitted.operatorFingerprints[index];
    const after = rebuilt.operatorFingerprints[index];
    if (before === undefined)
      return { operatorName: after?.name, explanation: `operator "${after?.name}" was not there when the job was submitted` };
    if (after === undefined) return { operatorName: before.name, explanation: `operator "${before.name}" is missing` };
    if (before.name !== after.name)
      return { operatorName: before.name, explanation: `operator ${index + 1} was "${before.name}" and is now "${after.name}"` };
    if (before.digest !== after.digest)
      return { operatorName: before.name, explanation: `operator "${before.name}" has other data, settings or inputs` };
  }
  if (submitted.name !== rebuilt.name)
    return { operatorName: undefined, explanation: `the job was named "${submitted.name}" and is now "${rebuilt.name}"` };
  return { operatorName: undefined, explanation: 'the operators are the same, but parameters, defaults or chains differ' };
}

/** Fails with `JOB_MISMATCH` when a slot built another job than the one that was submitted. */
export function assertSameJob(submitted: JobGraph, rebuilt: JobGraph): void {
  const difference = compareFingerprints(submitted, rebuilt);
  if (difference === undefined) return;
  throw graphError('JOB_MISMATCH', `Job "${submitted.name}" was built differently in a slot: ${difference.explanation}.`, {
    ...(difference.operatorName === undefined ? {} : { where: difference.operatorName }),
    hint: 'A builder must depend on its parameters only: no clock, randomness, environment, arguments or files that differ between machines.',
  });
}
