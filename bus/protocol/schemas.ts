/** Schemas that several messages share: ids with their brands, bytes, errors, plans. */
import type { Static, TSchema } from 'typebox';
import { Compile, Type } from './typebox.js';
import type {
  AllocationId,
  AttemptId,
  ChannelId,
  CheckpointId,
  EdgeId,
  JobId,
  LeaderEpoch,
  OperatorId,
  SessionId,
  TaskManagerId,
  VertexId,
} from '../../core/ids.js';
import type { ErrorRecord } from '../../core/errors.js';
import type { JobGraph, PartitionerKind } from '../../graph/types.js';

const token = { pattern: '^[A-Za-z0-9_-]{1,128}$' };
const text = { minLength: 1, maxLength: 1_024 };

export const JobIdSchema = Type.Unsafe<JobId>(Type.String(token));
export const TaskManagerIdSchema = Type.Unsafe<TaskManagerId>(Type.String(token));
export const SessionIdSchema = Type.Unsafe<SessionId>(Type.String(token));
export const AllocationIdSchema = Type.Unsafe<AllocationId>(Type.String(token));
export const VertexIdSchema = Type.Unsafe<VertexId>(Type.String(token));
export const OperatorIdSchema = Type.Unsafe<OperatorId>(Type.String(token));
export const EdgeIdSchema = Type.Unsafe<EdgeId>(Type.String(token));
export const AttemptIdSchema = Type.Unsafe<AttemptId>(Type.String(text));
export const ChannelIdSchema = Type.Unsafe<ChannelId>(Type.String(text));

export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const CheckpointIdSchema = Type.Unsafe<CheckpointId>(Count);
export const LeaderEpochSchema = Type.Unsafe<LeaderEpoch>(Count);
export const Milliseconds = Type.Number({ minimum: 0 });

export const Bytes = Type.Refine(
  Type.Unsafe<Uint8Array>({}),
  (value) => value instanceof Uint8Array,
  () => 'must be bytes',
);
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
export const Parameters = Type.Record(Type.String(), Type.String());

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const errorFields = {
  code: Type.String(text),
  domain: Type.Union([Type.Literal('user'), Type.Literal('internal'), Type.Literal('external')]),
  recovery: Type.Union([Type.Literal('retry'), Type.Literal('restart-job'), Type.Literal('fail-job'), Type.Literal('crash')]),
  message: Type.String(),
  hint: Type.Optional(Type.String()),
  where: Type.Optional(Type.String()),
  stack: Type.Optional(Type.String()),
  cause: Type.Optional(Type.Unknown()),
};
const errorRecord = Type.Object(errorFields);
const errorRecordChecker = Compile(errorRecord);
/** As `toErrorRecord` makes them, with some room. */
const causesMax = 16;

/** Causes are error records too; checked one by one, so that the schema stays flat. */
export const ErrorSchema = Type.Refine(Type.Unsafe<ErrorRecord>(errorRecord), hasSoundCauses, () => 'must have causes that are errors');

function hasSoundCauses(value: unknown): boolean {
  let current = value;
  for (let causes = 0; causes <= causesMax; causes += 1) {
    if (!errorRecordChecker.Check(current)) return false;
    if (current.cause === undefined) return true;
    current = current.cause;
  }
  return false;
}

/** Checked for its outline here; planning checks the rest when it reads one. */
export const JobGraphSchema = Type.Unsafe<JobGraph>(
  Type.Object({
    formatVersion: Type.Literal(1),
    name: Type.String(text),
    vertices: Type.Array(Type.Object({ id: Type.String(token), parallelism: Type.Integer({ minimum: 1 }) }), { minItems: 1 }),
    edges: Type.Array(Type.Object({ id: Type.String(token), sourceVertex: Type.String(token), targetVertex: Type.String(token) })),
    settings: Type.Object({}),
    parameters: Parameters,
    fingerprint: Sha256,
    operatorFingerprints: Type.Array(Type.Unknown()),
  }),
);

/** Where job code comes from: a bundle in the blob store, or a module of this very process (embedded and simulator). */
export const JobCodeSchema = Type.Union([
  Type.Object({ kind: Type.Literal('bundle'), sha256: Sha256, bytes: Count }),
  Type.Object({ kind: Type.Literal('module'), url: Type.String(text) }),
]);
export type JobCode = Static<typeof JobCodeSchema>;

export const PartitionerSchema = Type.Unsafe<PartitionerKind>(
  Type.Union(
    (
      ['FORWARD', 'REBALANCE', 'RESCALE', 'SHUFFLE', 'GLOBAL', 'BROADCAST', 'HASH', 'CUSTOM'] as const satisfies readonly PartitionerKind[]
    ).map((kind) => Type.Literal(kind)),
  ),
);

/** The task states a TaskManager reports; SCHEDULED and RECONCILING never occur there. */
export const TaskStateSchema = Type.Union([
  Type.Literal('CREATED'),
  Type.Literal('DEPLOYING'),
  Type.Literal('INITIALIZING'),
  Type.Literal('RUNNING'),
  Type.Literal('FINISHED'),
  Type.Literal('CANCELING'),
  Type.Literal('CANCELED'),
  Type.Literal('FAILED'),
]);
export type TaskState = Static<typeof TaskStateSchema>;

export const JobStatusSchema = Type.Union([
  Type.Literal('INITIALIZING'),
  Type.Literal('CREATED'),
  Type.Literal('RUNNING'),
  Type.Literal('FAILING'),
  Type.Literal('FAILED'),
  Type.Literal('CANCELLING'),
  Type.Literal('CANCELED'),
  Type.Literal('FINISHED'),
  Type.Literal('RESTARTING'),
  Type.Literal('SUSPENDED'),
  Type.Literal('RECONCILING'),
]);
export type JobStatus = Static<typeof JobStatusSchema>;

export const Empty = Type.Object({});
