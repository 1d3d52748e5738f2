/** The cluster and its leader: ids, leases, heartbeats, results of jobs that ended. */
import { limits } from '../../limits.js';
import { choice, duration, integer, text } from '../option.js';
import { token } from './token.js';

export const clusterOptions = {
  clusterId: text('cluster.id', 'default', {
    ...token,
    description: 'Clusters with different ids share NATS and Redis without seeing each other.',
  }),
  highAvailabilityType: choice('high-availability.type', 'memory', {
    values: ['memory', 'filesystem', 'redis'],
    synonyms: { none: 'memory', files: 'filesystem' },
    aliases: ['high-availability'],
    description: 'Where the leader keeps its lease, jobs and checkpoint pointers. With `memory`, jobs do not survive the JobManager.',
  }),
  highAvailabilityStorageDir: text('high-availability.storageDir', undefined, {
    description: 'Directory of the `filesystem` store. All JobManagers of the cluster must run on this machine.',
  }),
  highAvailabilityClusterId: text('high-availability.cluster-id', undefined, {
    ...token,
    description: 'Under which id the store keeps the cluster. Default: `cluster.id`.',
  }),
  leaseDuration: duration('high-availability.lease.duration', 3_000, {
    min: 100,
    description: 'How long a leader may lead without renewing its lease.',
  }),
  leaseRenewInterval: duration('high-availability.lease.renew-interval', 1_000, {
    min: 10,
    description: 'How often a leader renews its lease, and how long a renewal waits for its answer. At most half of the lease.',
  }),
  heartbeatInterval: duration('heartbeat.interval', 500, { min: 10, description: 'How often heartbeats are sent. Flink: 10 s.' }),
  heartbeatTimeout: duration('heartbeat.timeout', 5_000, {
    min: 50,
    description: 'Silence after which a peer counts as dead. Flink: 50 s.',
  }),
  slotRequestTimeout: duration('slot.request.timeout', 300_000, {
    min: 10,
    description: 'How long a job waits for slots before it fails.',
  }),
  jobStoreMaxCapacity: integer('jobstore.max-capacity', 1_000, {
    min: 1,
    description: 'Ended jobs whose results are kept; the oldest are forgotten first. Flink: no limit.',
  }),
  jobStoreExpirationTime: duration('jobstore.expiration-time', 7 * 24 * 3_600_000, {
    min: 1_000,
    description: 'How long the result of an ended job is kept. Flink: 1 hour.',
  }),
  exceptionHistorySize: integer('web.exception-history-size', limits.exceptionHistory, {
    min: 0,
    max: limits.exceptionHistory,
    description: 'Failures of a job that the JobManager remembers, each with those that came with it; `millrace status` shows them.',
  }),
  logLevel: choice('log.level', 'info', {
    values: ['debug', 'info', 'warn', 'error'],
    description: 'Least severity of the lines that are logged.',
  }),
};
