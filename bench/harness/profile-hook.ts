/** Where marks are told to a profiler in the same thread. A job's bundle has a copy of its own of this module, so both meet in a global. */
const key = Symbol.for('millrace.bench.on-mark');
type Listener = (name: string) => void;
const place = globalThis as { [key]?: Listener };

export function onMark(listener: Listener): void {
  place[key] = listener;
}

export function tellMark(name: string): void {
  place[key]?.(name);
}
