/**
 * What reads the groups of frames, one decoder a shape, found by the bytes that describe the shape.
 *
 * SD2  A shape is looked at once, not once a frame; at most {@link decodersMax} are kept, the oldest goes first.
 * SD3  Code is generated only for shapes that {@link recordsUntilCompiled} records had: frames from anywhere cannot make a
 *      process compile all day. Whether it was never shows in what is read.
 */
import { planColumns } from './column-plan.js';
import { DecodedColumns } from './decoded-columns.js';
import type { FrameBudget } from './frame-budget.js';
import { generateMakers, type RecordMakers } from './decoder-generation.js';
import { interpretMakers } from './decoder-interpreter.js';
import { CorruptItem, ItemReader } from './item-reader.js';
import { readShape } from './shape-descriptor.js';
import type { Shape } from './shape.js';

const decodersMax = 64;
const recordsUntilCompiled = 64;

/** Reads groups of one shape. */
export class ShapeDecoder {
  readonly #columns: DecodedColumns;
  #makers: RecordMakers;
  #recordsUntilCompiled = recordsUntilCompiled;
  readonly #isCodeGenerationOff: boolean;
  /** Its records are made by generated code. */
  isCompiled = false;

  constructor(shape: Shape, isCodeGenerationOff: boolean) {
    const plan = planColumns(shape);
    this.#columns = new DecodedColumns(plan);
    this.#makers = interpretMakers(plan);
    this.#isCodeGenerationOff = isCodeGenerationOff;
  }

  /** Throws CorruptItem. */
  read(reader: ItemReader, count: number, budget: FrameBudget): unknown[] {
    const columns = this.#columns;
    columns.read(reader, count, budget);
    if (!this.isCompiled && !this.#isCodeGenerationOff) this.#compileSoon(count, budget);
    const values = new Array<unknown>(count);
    const make = columns.hasAbsent ? this.#makers.sparse : this.#makers.dense;
    make(columns.columns, count, values);
    columns.release();
    return values;
  }

  /** The first shape of a frame that has records enough; the others have theirs to come (FB2). */
  #compileSoon(count: number, budget: FrameBudget): void {
    this.#recordsUntilCompiled -= count;
    if (this.#recordsUntilCompiled > 0 || !budget.takeCompilation()) return;
    // Where code is forbidden it stays so: asking once is enough.
    this.#recordsUntilCompiled = Infinity;
    const makers = generateMakers(this.#columns.plan);
    if (makers === undefined) return;
    this.#makers = makers;
    this.isCompiled = true;
  }
}

/** See the head of this file. */
export class ShapeDecoders {
  readonly #byDescription = new Map<string, ShapeDecoder>();
  readonly #isCodeGenerationOff: boolean;

  constructor(options: { readonly isCodeGenerationOff?: boolean } = {}) {
    this.#isCodeGenerationOff = options.isCodeGenerationOff === true;
  }

  /** The decoder for the shape that `length` bytes from `start` describe. Throws CorruptItem. */
  find(reader: ItemReader, start: number, length: number): ShapeDecoder {
    const key = reader.bytes.toString('latin1', start, start + length);
    let decoder = this.#byDescription.get(key);
    if (decoder === undefined) {
      decoder = new ShapeDecoder(parse(reader.bytes.subarray(start, start + length)), this.#isCodeGenerationOff);
      if (this.#byDescription.size >= decodersMax) this.#byDescription.delete(this.#byDescription.keys().next().value as string);
      this.#byDescription.set(key, decoder);
    }
    return decoder;
  }
}

function parse(description: Uint8Array): Shape {
  const reader = new ItemReader(description);
  const shape = readShape(reader);
  if (reader.position !== description.length) throw new CorruptItem('bytes after a shape');
  return shape;
}
