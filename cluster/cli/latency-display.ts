/** How the latencies of a job look on a terminal: a line for each source and operator. */
import type { JobSummary, Latency } from '../../bus/protocol/messages/jobs.js';

const count = new Intl.NumberFormat('en-US');
const ms = (value: number): string => `${count.format(value)} ms`;

/** Nothing of jobs without latency markers. */
export function latencyLines({ latencies = [] }: JobSummary): readonly string[] {
  if (latencies.length === 0) return [];
  return ['latency markers of the latest minute or two:', ...latencies.map(lineOf)];
}

function lineOf(latency: Latency): string {
  const from = latency.source === null ? 'all sources' : withSubtask(latency.source, latency.sourceSubtask);
  const parts = [
    `  ${from} → ${withSubtask(latency.operator, latency.subtask)}`,
    `p50 ${ms(latency.p50)}`,
    `p90 ${ms(latency.p90)}`,
    `p99 ${ms(latency.p99)}`,
    `max ${ms(latency.max)}`,
    `of ${count.format(latency.count)}`,
  ];
  return parts.join('  ');
}

const withSubtask = (name: string, subtask: number | null): string => (subtask === null ? name : `${name} (${subtask + 1})`);
