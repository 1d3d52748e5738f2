/** One process of a campaign: runs the seeds it is told, one at a time. Started by campaign.ts. */
import type { CampaignOrder } from './campaign.js';
import { simulateRun } from './simulated-run.js';

process.on('message', (order: CampaignOrder) => {
  void simulateRun(order).then((verdict) => process.send?.(verdict));
});
// Whoever started it is gone: nobody waits for the run.
process.on('disconnect', () => process.exit());
