import { median, rowOf, type Benchmark, type Row } from '../harness/benchmark.js';
import { runForm, type FormRun } from '../harness/forms.js';
import { atMostOfBaseline } from '../harness/targets.js';

const script = 'bench/forms/keyed-state.js';
const memoryFlags = ['--expose-gc', '--max-old-space-size=6000'];

function markOf({ marks }: FormRun, name: string) {
  const found = marks.find(({ mark }) => mark === name);
  if (found === undefined) throw new Error(`a form did not say ${JSON.stringify(name)}`);
  return found;
}

export const keyedState: Benchmark = {
  name: 'keyed-state',
  measures:
    'a million keys in the state of one subtask: memory of a key and its value, a bid that was decoded from a frame, against a Map of the same objects and against one of the very objects that were decoded; and a timer a key, registered and fired, each at a time of its own or all at a hundred.',
  doesNotMeasure: 'the record’s way to the operator, snapshots, and what a function does when its timer fires.',
  async run({ isQuick, rounds, say }) {
    const keys = isQuick ? 100_000 : 1_000_000;
    const rows: Row[] = [];
    const bytes: Record<'state' | 'map' | 'kept', number[]> = { state: [], map: [], kept: [] };
    for (let round = 0; round < rounds(3); round += 1) {
      for (const form of ['map', 'kept', 'state'] as const) {
        // The very objects keep their frames alive: a tenth of them shows what a key takes, and more might not fit.
        const count = form === 'kept' ? keys / 10 : keys;
        const run = await runForm({ script, args: [form, 'memory', String(count)], nodeFlags: memoryFlags });
        bytes[form].push(markOf(run, 'bytes a key').value ?? 0);
      }
    }
    const plot = { panel: 'bytes a key', label: 'state' };
    rows.push(
      rowOf({
        name: 'keyed state: memory of a key',
        unit: 'bytes',
        samples: bytes.state,
        baseline: { name: 'a Map of the same objects', value: median(bytes.map) },
        target: atMostOfBaseline(1.5),
        plot,
      }),
      rowOf({
        name: 'keyed state: memory of a key, against what was decoded',
        unit: 'bytes',
        samples: bytes.state,
        baseline: { name: 'a Map of the very objects that were decoded', value: median(bytes.kept) },
        plot,
      }),
    );
    say(`${median(bytes.state).toFixed(0)} bytes a key in state, ${median(bytes.map).toFixed(0)} in a Map`);
    for (const form of ['own times', 'few times']) {
      const registered: number[] = [];
      const fired: number[] = [];
      for (let round = 0; round < rounds(3); round += 1) {
        const run = await runForm({ script, args: [form, 'timers', String(keys)] });
        const [begin, firing, end] = ['begin registering', 'begin firing', 'end'].map((name) => markOf(run, name).cpuMs);
        registered.push(keys / ((firing as number) - (begin as number)) / 1_000);
        fired.push(keys / ((end as number) - (firing as number)) / 1_000);
      }
      for (const [what, samples] of [
        ['registered', registered],
        ['fired', fired],
      ] as const) {
        rows.push(
          rowOf({
            name: `keyed state: timers ${what}, ${form}`,
            unit: 'M timers/CPU s',
            samples,
            plot: { panel: `timers ${what}`, label: form },
          }),
        );
      }
    }
    return rows;
  },
};
