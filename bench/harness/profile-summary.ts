/** What a folder of profiles says: for each thread the functions that took most of its time, themselves alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const functionsShown = 30;
const shareMin = 0.003;

export function profileSummary(directory: string): string {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile') && !name.startsWith('job-manager'));
  return files.map((name) => `${name}\n${threadSummary(JSON.parse(readFileSync(join(directory, name), 'utf8')) as Profile)}\n`).join('\n');
}

function threadSummary({ nodes, samples, timeDeltas }: Profile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '?';
    const micros = timeDeltas[index] ?? 0;
    total += micros;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  const idle = times.get('(idle)') ?? 0;
  times.delete('(idle)');
  const top = [...times].sort((left, right) => right[1] - left[1]).slice(0, functionsShown);
  const busy = total - idle;
  return [
    `  ${Math.round(total / 1_000)} ms, of which idle ${Math.round(idle / 1_000)} ms; shares of the rest:`,
    ...top
      .filter(([, micros]) => micros > shareMin * busy)
      .map(([name, micros]) => `  ${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${name}`),
  ].join('\n');
}

function frameName({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name}  ${url.replace(/^.*\/(dist|node_modules|jobs?)\//, '')}:${lineNumber + 1}`;
}
