/** Heartbeats as configured. */
import { heartbeatDefaults } from '../../actors/runtime/heartbeat-monitor.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { options } from '../../core/configuration/options.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';

export function heartbeatOf(configuration: Configuration): HeartbeatMonitorInput {
  return {
    ...heartbeatDefaults,
    intervalMs: configuration.get(options.heartbeatInterval),
    timeoutMs: configuration.get(options.heartbeatTimeout),
  };
}
