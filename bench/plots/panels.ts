/**
 * The rows of a benchmark as panels of bars: what is drawn, before how.
 *
 * PN1  Bars of one panel have one unit, so that they share an axis. Every row is a bar, its baseline another one, once.
 */
import type { Row } from '../harness/benchmark.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** From the shortest to the longest run; absent for a baseline that has no row of its own. */
  readonly spread: { readonly min: number; readonly max: number } | undefined;
  /** Whether it is the thing under test, or what that is compared with. */
  readonly isOwn: boolean;
  readonly ratio: number | undefined;
  readonly target: Row['target'];
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

export function panelsOf(rows: readonly Row[]): readonly Panel[] {
  const byKey = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${placeOf(row).panel}\n${row.unit}`;
    byKey.set(key, [...(byKey.get(key) ?? []), row]);
  }
  return [...byKey.values()].map((own) => ({
    title: placeOf(own[0] as Row).panel,
    unit: (own[0] as Row).unit,
    bars: barsOf(own),
  }));
}

/** What stands before the colon of a name is the panel, what follows the label. */
function placeOf({ name, plot }: Row): { readonly panel: string; readonly label: string } {
  if (plot !== undefined) return plot;
  const at = name.indexOf(': ');
  return at < 0 ? { panel: name, label: name } : { panel: name.slice(0, at), label: name.slice(at + 2) };
}

function barsOf(rows: readonly Row[]): readonly Bar[] {
  const isCompared = rows.some(({ baseline }) => baseline !== undefined);
  const bars: Bar[] = [];
  for (const row of rows) {
    const { baseline, value, min, max, ratio, target, plot } = row;
    const { label } = placeOf(row);
    const isShown = (what: number): boolean => bars.some((bar) => bar.value === what) || rows.some((other) => other.value === what);
    if (baseline !== undefined && !isShown(baseline.value))
      bars.push({ label: baseline.name, value: baseline.value, spread: undefined, isOwn: false, ratio: undefined, target: undefined });
    // A row that is compared with two things is one bar.
    if (bars.some((bar) => bar.label === label && bar.value === value)) continue;
    bars.push({ label, value, spread: { min, max }, isOwn: !isCompared || baseline !== undefined || plot?.isOwn === true, ratio, target });
  }
  return bars;
}
