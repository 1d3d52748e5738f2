/**
 * What is under way in an asynchronous operator: inputs and what event time did between them, in the order in which they
 * leave.
 *
 * AQ1  Event time never moves before an input that came before it has left, nor does an input leave before time has moved
 *      that came before it.
 * AQ2  Ordered: inputs leave as they came. Unordered: between two moves of time, as they were answered.
 * AQ3  Moves with no input between them are one: there are at most as many as inputs, and one.
 */
import type { TimeChange } from '../../contracts.js';

/** An input, from its arrival until its results have left. */
export interface QueuedInput {
  readonly kind: 'input';
  /** Its results are there. */
  isAnswered: boolean;
}

export interface QueuedTime {
  readonly kind: 'time';
  readonly change: TimeChange;
}

export type QueuedElement<Input extends QueuedInput> = Input | QueuedTime;

/** Both as one move: the later watermark and status count. */
const afterwards = (before: TimeChange, change: TimeChange): QueuedTime => ({
  kind: 'time',
  change: { watermark: change.watermark ?? before.watermark, isIdle: change.isIdle ?? before.isIdle },
});

export interface AsyncQueue<Input extends QueuedInput> {
  /** Inputs that have not left. */
  readonly size: number;
  readonly isEmpty: boolean;
  addInput(input: Input): void;
  addTime(change: TimeChange): void;
  /** The input has its results; `isAnswered` is set. */
  answered(input: Input): void;
  /** Takes out what leaves next; undefined: nothing can. */
  poll(): QueuedElement<Input> | undefined;
  /** Inputs that have not left, as they came. */
  inputs(): readonly Input[];
}

export class OrderedQueue<Input extends QueuedInput> implements AsyncQueue<Input> {
  #elements: QueuedElement<Input>[] = [];
  size = 0;

  get isEmpty(): boolean {
    return this.#elements.length === 0;
  }

  addInput(input: Input): void {
    this.#elements.push(input);
    this.size += 1;
  }

  addTime(change: TimeChange): void {
    const last = this.#elements.at(-1);
    if (last?.kind !== 'time') this.#elements.push({ kind: 'time', change });
    else this.#elements[this.#elements.length - 1] = afterwards(last.change, change);
  }

  answered(): void {}

  poll(): QueuedElement<Input> | undefined {
    const first = this.#elements[0];
    if (first === undefined || (first.kind === 'input' && !first.isAnswered)) return undefined;
    this.#elements.shift();
    if (first.kind === 'input') this.size -= 1;
    return first;
  }

  inputs(): readonly Input[] {
    return this.#elements.filter((element) => element.kind === 'input');
  }
}

/** Inputs between two moves of time. */
interface Segment<Input> {
  /** As they came, until they leave. */
  readonly inputs: Set<Input>;
  /** As they were answered. */
  readonly answered: Input[];
  /** What leaves after all of them; undefined while the segment is the last one. */
  time: QueuedTime | undefined;
}

export class UnorderedQueue<Input extends QueuedInput> implements AsyncQueue<Input> {
  readonly #segments: Segment<Input>[] = [emptySegment()];
  readonly #segmentOf = new Map<Input, Segment<Input>>();

  get size(): number {
    return this.#segmentOf.size;
  }

  get isEmpty(): boolean {
    return this.#segmentOf.size === 0 && this.#segments.length === 1;
  }

  addInput(input: Input): void {
    const last = this.#segments.at(-1) as Segment<Input>;
    last.inputs.add(input);
    this.#segmentOf.set(input, last);
  }

  addTime(change: TimeChange): void {
    const last = this.#segments.at(-1) as Segment<Input>;
    const before = this.#segments.at(-2);
    if (last.inputs.size === 0 && before !== undefined) before.time = afterwards(before.time?.change ?? {}, change);
    else {
      last.time = { kind: 'time', change };
      this.#segments.push(emptySegment());
    }
  }

  answered(input: Input): void {
    this.#segmentOf.get(input)?.answered.push(input);
  }

  poll(): QueuedElement<Input> | undefined {
    const first = this.#segments[0] as Segment<Input>;
    const input = first.answered.shift();
    if (input !== undefined) {
      first.inputs.delete(input);
      this.#segmentOf.delete(input);
      return input;
    }
    if (first.inputs.size > 0 || first.time === undefined) return undefined;
    this.#segments.shift();
    return first.time;
  }

  inputs(): readonly Input[] {
    return this.#segments.flatMap(({ inputs }) => [...inputs]);
  }
}

function emptySegment<Input>(): Segment<Input> {
  return { inputs: new Set(), answered: [], time: undefined };
}
