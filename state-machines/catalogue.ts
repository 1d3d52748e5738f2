/** All machines, in the order a newcomer should look at them. */
import { checkpointCoordinatorCatalogueEntry } from './checkpoint-coordinator/checkpoint-coordinator-machine.js';
import { leaderCatalogueEntry } from './leader/leader-machine.js';
import { pendingCheckpointCatalogueEntry } from './pending-checkpoint/pending-checkpoint-machine.js';
import { executionCatalogueEntry } from './execution/execution-machine.js';
import { heartbeatMonitorCatalogueEntry } from './heartbeat-monitor/heartbeat-monitor-machine.js';
import { jobCatalogueEntry } from './job/job-machine.js';
import { registeredSlotCatalogueEntry } from './registered-slot/registered-slot-machine.js';
import { schedulerCatalogueEntry } from './scheduler/scheduler-machine.js';
import { taskManagerRegistrationCatalogueEntry } from './task-manager-registration/task-manager-registration-machine.js';
import { taskSlotCatalogueEntry } from './task-slot/task-slot-machine.js';
import { taskCatalogueEntry } from './task/task-machine.js';
import type { CatalogueEntry } from './kit/catalogue-entry.js';

export const catalogue: readonly CatalogueEntry[] = [
  jobCatalogueEntry,
  schedulerCatalogueEntry,
  executionCatalogueEntry,
  taskCatalogueEntry,
  taskSlotCatalogueEntry,
  registeredSlotCatalogueEntry,
  checkpointCoordinatorCatalogueEntry,
  pendingCheckpointCatalogueEntry,
  leaderCatalogueEntry,
  taskManagerRegistrationCatalogueEntry,
  heartbeatMonitorCatalogueEntry,
];
