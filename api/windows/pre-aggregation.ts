/** The step before the windows of a stream that folds records where they are made. */
import type { Key } from '../../core/keys.js';
import type { KeySelector, Operator } from '../../dataflow/contracts.js';
import { PreAggregateOperator } from '../../dataflow/windows/pre-aggregation.js';
import type { PartialResult } from '../../dataflow/windows/window-contents.js';
import { triggerOf, type Folding, type MergeableFolding, type WindowPlan } from '../../dataflow/windows/window-plan.js';
import type { FixedWindows } from '../../dataflow/windows/window-assigner.js';
import type { FieldUse } from '../../graph/types.js';
import { apiError } from '../api-error.js';
import { partitionedOrigins, type StreamHandle } from '../streams/stream-handle.js';

/** A stream to be read in windows, and how. */
export interface WindowInput<In, Acc, Mid, Out> {
  readonly handle: StreamHandle;
  readonly plan: WindowPlan<In, Acc, Mid, Out>;
  readonly fieldUse: FieldUse | undefined;
}

/**
 * Adds the step to what the stream comes from, beside it, and gives the stream of partial results, by key, with the plan that
 * folds them. Refuses what cannot be folded in two steps.
 */
export function preAggregated<In, Acc, Mid, Out>({
  handle: { builder, origins },
  plan,
  fieldUse,
}: WindowInput<In, Acc, Mid, Out>): WindowInput<PartialResult<Acc>, Acc, Mid, Out> {
  const windows = alignedWindows(plan);
  const folding = mergeableFolding(plan.folding);
  const sent = origins.map(({ node, sideOutput }) => ({
    node: builder.add({
      kind: 'operator',
      type: 'window-pre-aggregate',
      name: 'Pre-Aggregation',
      inputs: [{ node, sideOutput, partitioner: undefined, keySelector: undefined }],
      factory: { kind: 'operator', create: () => new PreAggregateOperator(plan, windows) as Operator },
      data: { windows, folding: folding.kind },
      fieldUse,
      parallelism: node.parallelism,
    }),
    sideOutput: undefined,
    partitioner: undefined,
    keySelector: undefined,
  }));
  const keyOf = ({ key }: PartialResult<Acc>): Key => key;
  return {
    handle: { builder, origins: partitionedOrigins(sent, 'HASH', { keySelector: keyOf as KeySelector }) },
    plan: {
      keyOf,
      assigner: windows,
      trigger: undefined,
      evictor: undefined,
      allowedLatenessMs: plan.allowedLatenessMs,
      lateTag: undefined,
      folding: { kind: 'partial', of: folding as MergeableFolding<never, Acc, Mid> },
      run: plan.run,
    },
    fieldUse: undefined,
  };
}

function alignedWindows<In, Acc, Mid, Out>(plan: WindowPlan<In, Acc, Mid, Out>): FixedWindows {
  const { assigner, trigger, evictor, lateTag } = plan;
  if (assigner.kind !== 'fixed' || assigner.time !== 'event' || assigner.stagger !== undefined)
    throw refused('It takes tumbling or sliding windows in event time, the same in all subtasks.', 'Use such windows');
  if (trigger !== undefined && trigger !== triggerOf({ assigner, trigger: undefined }))
    throw refused('A trigger of its own goes by records, which do not get as far as the window.', 'Leave the trigger out');
  if (evictor !== undefined) throw refused('An evictor goes by records, which do not get as far as the window.', 'Leave the evictor out');
  if (lateTag !== undefined)
    throw refused('The late records of a side output do not get as far as the window.', 'Leave sideOutputLateData out');
  return assigner;
}

function mergeableFolding<In, Acc, Mid>(folding: Folding<In, Acc, Mid>): MergeableFolding<In, Acc, Mid> {
  if (folding.kind === 'aggregate' || folding.kind === 'reduce') return folding;
  throw refused('A function of all records of a window needs all of them.', 'Use reduce or aggregate, with a window function behind it');
}

const refused = (why: string, remedy: string): Error =>
  apiError('WINDOW_NOT_MERGEABLE', `Records cannot be folded before they are sent to this window. ${why}`, {
    where: 'preAggregate',
    hint: `${remedy}, or leave preAggregate out.`,
  });
