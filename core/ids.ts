/**
 * The branded identifiers of Millrace.
 *
 * Every id is a plain string or number at run time; the brand keeps a JobId from being passed where an AttemptId is
 * meant. Ids that become part of a bus subject hold only letters, digits, `-` and `_`, so that no id can widen a
 * subscription (`*`, `>`) or add a token (`.`).
 */
declare const brand: unique symbol;

/** A `T` that can only be made on purpose, by the constructor of its kind. */
export type Branded<T, B extends string> = T & { readonly [brand]: B };

/** 32 lower-case hex digits. */
export type JobId = Branded<string, 'JobId'>;
/** Id of a job vertex (a chain): the operator id of the head of its chain. */
export type VertexId = Branded<string, 'VertexId'>;
/** 32 lower-case hex digits, from `uid()` or from the operator's name and place. */
export type OperatorId = Branded<string, 'OperatorId'>;
/** Id of an edge between two job vertices, unique in its job graph. */
export type EdgeId = Branded<string, 'EdgeId'>;
/** Name of a TaskManager process; a restarted process may keep the name but never the session. */
export type TaskManagerId = Branded<string, 'TaskManagerId'>;
/** One life of a process: new each time it starts. */
export type SessionId = Branded<string, 'SessionId'>;
/** One assignment of one slot to one job. Never reused. */
export type AllocationId = Branded<string, 'AllocationId'>;
/** One attempt to run one subtask; see {@link formatAttemptId}. */
export type AttemptId = Branded<string, 'AttemptId'>;
/** One producer attempt to one consumer attempt over one edge. */
export type ChannelId = Branded<string, 'ChannelId'>;
/** One life of a client process. */
/** Starts at 1, grows for the life of a job, across failovers of the JobManager. */
export type CheckpointId = Branded<number, 'CheckpointId'>;
/** Starts at 0 for each execution vertex and leader epoch. */
export type AttemptNumber = Branded<number, 'AttemptNumber'>;
/** The fencing token of a leader: a higher epoch was granted later. */
export type LeaderEpoch = Branded<number, 'LeaderEpoch'>;
/** 0 ≤ key group < maximum parallelism ≤ 32768. */
export type KeyGroup = Branded<number, 'KeyGroup'>;
/** Milliseconds since 1970-01-01T00:00Z, as the records tell it. */
export type EventTimeMs = Branded<number, 'EventTimeMs'>;

/** Inclusive range of key groups: `start` to `end`. */
export interface KeyGroupRange {
  readonly start: number;
  readonly end: number;
}

const tokenPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether `text` can stand as one token of a bus subject. */
export function isSubjectToken(text: string): boolean {
  return tokenPattern.test(text);
}

const asToken = (kind: string, text: string): string => {
  if (!tokenPattern.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a ${kind}: use 1 to 128 letters, digits, "-" or "_"`);
  }
  return text;
};

export const jobId = (text: string): JobId => asToken('job id', text) as JobId;
export const vertexId = (text: string): VertexId => asToken('vertex id', text) as VertexId;
export const operatorId = (text: string): OperatorId => asToken('operator id', text) as OperatorId;
export const edgeId = (text: string): EdgeId => asToken('edge id', text) as EdgeId;
export const taskManagerId = (text: string): TaskManagerId => asToken('TaskManager id', text) as TaskManagerId;
export const sessionId = (text: string): SessionId => asToken('session id', text) as SessionId;
export const allocationId = (text: string): AllocationId => asToken('allocation id', text) as AllocationId;

const asCount = (kind: string, value: number): number => {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${value} is not a ${kind}: use a whole number from 0`);
  return value;
};

export const checkpointId = (value: number): CheckpointId => asCount('checkpoint id', value) as CheckpointId;
export const attemptNumber = (value: number): AttemptNumber => asCount('attempt number', value) as AttemptNumber;
export const leaderEpoch = (value: number): LeaderEpoch => asCount('leader epoch', value) as LeaderEpoch;

/** What an {@link AttemptId} says. */
export interface AttemptParts {
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  readonly leaderEpoch: LeaderEpoch;
  readonly attemptNumber: AttemptNumber;
}

/** `<vertex>_<subtask>_<epoch>_<attempt>`: unique in its job, also across a failover of the JobManager. */
export function formatAttemptId(parts: AttemptParts): AttemptId {
  return `${parts.vertexId}_${parts.subtaskIndex}_${parts.leaderEpoch}_${parts.attemptNumber}` as AttemptId;
}

/** The parts of an attempt id; throws a TypeError on text that {@link formatAttemptId} did not make. */
export function parseAttemptId(id: string): AttemptParts {
  const match = /^(.+)_(\d+)_(\d+)_(\d+)$/.exec(id);
  if (match === null) throw new TypeError(`${JSON.stringify(id)} is not an attempt id`);
  return {
    vertexId: match[1] as VertexId,
    subtaskIndex: Number(match[2]),
    leaderEpoch: Number(match[3]) as LeaderEpoch,
    attemptNumber: Number(match[4]) as AttemptNumber,
  };
}

/** `<edge>~<producer attempt>~<consumer attempt>`. */
export function formatChannelId(edge: EdgeId, producer: AttemptId, consumer: AttemptId): ChannelId {
  return `${edge}~${producer}~${consumer}` as ChannelId;
}
