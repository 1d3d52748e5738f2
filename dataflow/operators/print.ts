import type { Operator } from '../contracts.js';

/**
 * Shows every record to the people who run the process: `3> value`, or `label:3> value`, where 3 is the subtask (from 1;
 * left out when there is one). After a failure, records are shown again.
 */
export function printOperator<T>(label: string | undefined): Operator<T, never> {
  return {
    bind: (_out, context) => {
      const { subtaskIndex, parallelism } = context.task;
      const parts = [...(label === undefined ? [] : [label]), ...(parallelism === 1 ? [] : [String(subtaskIndex + 1)])];
      const prefix = parts.length === 0 ? '' : `${parts.join(':')}> `;
      return (value) => context.print(prefix + shown(value));
    },
  };
}

/** Text as it is, everything else as JSON with what JSON cannot say. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, replaced) ?? String(value);
}

function replaced(_field: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), item as unknown]));
  return value instanceof Set ? [...value] : value;
}
