/** What the configuration says to the actors of a process. */
import { heartbeatDefaults } from '../../actors/runtime/heartbeat-monitor.js';
import type { JobManagerNodeOptions } from '../../actors/job-manager/job-manager-node.js';
import { registrationDefaults } from '../../actors/task-manager/resource-manager-connection.js';
import { taskManagerDefaults, type TaskManagerSettings } from '../../actors/task-manager/task-manager.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { options } from '../../core/configuration/options.js';
import { limits } from '../../core/limits.js';
import type { NetworkBuffers } from '../../dataflow/channels/network-contracts.js';

export function jobManagerSettingsOf(
  configuration: Configuration,
): Pick<JobManagerNodeOptions, 'leaseMs' | 'renewMs' | 'heartbeat' | 'jobStore' | 'exceptionsMax'> {
  return {
    leaseMs: configuration.get(options.leaseDuration),
    renewMs: configuration.get(options.leaseRenewInterval),
    jobStore: {
      maxCapacity: configuration.get(options.jobStoreMaxCapacity),
      expirationMs: configuration.get(options.jobStoreExpirationTime),
    },
    exceptionsMax: configuration.get(options.exceptionHistorySize),
    heartbeat: {
      ...heartbeatDefaults,
      intervalMs: configuration.get(options.heartbeatInterval),
      timeoutMs: configuration.get(options.heartbeatTimeout),
    },
  };
}

/** What each slot of a process has for frames that arrive; all of them share what the process may have granted. */
export function slotBuffersOf(configuration: Configuration, slots: number): NetworkBuffers {
  const floating = configuration.get(options.floatingBuffersPerGate);
  return {
    exclusive: configuration.get(options.buffersPerChannel),
    floating,
    floatingMax: Math.max(floating, limits.floatingBuffersPerGateMax),
    grantBytesMax: Math.floor(limits.grantBytesPerProcess / slots),
    segmentsMax: Math.max(limits.segmentsPerSlotMin, Math.floor(limits.segmentsPerProcess / slots)),
  };
}

export function taskManagerSettingsOf(configuration: Configuration): TaskManagerSettings {
  const maxPauseMs = configuration.get(options.registrationErrorDelay);
  return {
    ...taskManagerDefaults,
    slots: configuration.get(options.numberOfTaskSlots),
    heartbeatIntervalMs: configuration.get(options.heartbeatInterval),
    heartbeatTimeoutMs: configuration.get(options.heartbeatTimeout),
    registration: {
      initialTimeoutMs: configuration.get(options.registrationInitialTimeout),
      maxTimeoutMs: configuration.get(options.registrationMaxTimeout),
      initialPauseMs: Math.min(registrationDefaults.initialPauseMs, maxPauseMs),
      maxPauseMs,
      refusedPauseMs: configuration.get(options.registrationRefusedDelay),
      registrationTimeoutMs: configuration.get(options.registrationTimeout),
    },
  };
}
