/** Whether the tasks of a job kept to their credit, as they tell it themselves. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';

/** What went beyond it, or undefined. The summary must be one with its tasks. */
export function creditFaultOf({ vertices = [] }: Pick<JobSummary, 'vertices'>): string | undefined {
  for (const { name, subtasks } of vertices) {
    for (const { subtaskIndex, metrics } of subtasks) {
      const { overGrantFrames, grantedBytesPeak, grantBytesMax, grantBytesForced, segmentsPeak, segmentsMax } = metrics;
      const where = `CREDIT: subtask ${subtaskIndex} of ${name}`;
      if (overGrantFrames > 0) return `${where} sent or got ${overGrantFrames} data frames beyond what was granted`;
      const mayGrant = grantBytesMax + grantBytesForced;
      if (grantedBytesPeak > mayGrant) return `${where} is in a slot that granted ${grantedBytesPeak} bytes and may ${mayGrant}`;
      if (segmentsPeak > segmentsMax) return `${where} is in a slot that had ${segmentsPeak} segments and may have ${segmentsMax}`;
    }
  }
  return undefined;
}
