/** Heartbeats as configured. */
import type { Configuration } from '../../core/configuration/configuration.js';
import { options } from '../../core/configuration/options.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';

/** After a change of the own connection healthy peers answer no-responders for a moment. */
const graceMs = 3_000;

export function heartbeatOf(configuration: Configuration): HeartbeatMonitorInput {
  return { intervalMs: configuration.get(options.heartbeatInterval), timeoutMs: configuration.get(options.heartbeatTimeout), graceMs };
}
