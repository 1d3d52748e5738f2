/**
 * Shapes as CBOR: a leaf is the number of its kind, an object a map from names to shapes, a list an array of one shape, a
 * tuple an array of several. In a frame the whole stands as an embedded item (tag 24), so that it is found again, and
 * skipped, as bytes.
 *
 * SD1  What is read is bounded as SH3 says, its names are distinct and keep SH2: code may be generated from it.
 */
import { ByteSink } from './byte-sink.js';
import { CorruptItem, type ItemReader } from './item-reader.js';
import { writeText } from './item-writer.js';
import { isFieldName, leafKinds, shapeDepthMax, shapeNodesMax, shapeTextMax, type LeafKind, type Shape } from './shape.js';

/** The shape as the bytes of one CBOR item. */
export function describeShape(shape: Shape): Uint8Array {
  const sink = new ByteSink();
  writeShape(sink, shape);
  return new Uint8Array(sink.bytes.subarray(0, sink.position));
}

function writeShape(sink: ByteSink, shape: Shape): void {
  switch (shape.kind) {
    case 'object':
      sink.head(5, shape.fields.length);
      for (const { name, shape: field } of shape.fields) {
        writeText(sink, name);
        writeShape(sink, field);
      }
      return;
    case 'list':
      sink.head(4, 1);
      writeShape(sink, shape.item);
      return;
    case 'tuple':
      sink.head(4, shape.items.length);
      for (const item of shape.items) writeShape(sink, item);
      return;
    default:
      sink.head(0, leafKinds.indexOf(shape.kind));
  }
}

interface Budget {
  nodes: number;
  text: number;
}

/** Reads one shape (SD1). Throws CorruptItem. */
export function readShape(reader: ItemReader): Shape {
  return readNode(reader, 0, { nodes: shapeNodesMax, text: shapeTextMax });
}

function readNode(reader: ItemReader, depth: number, budget: Budget): Shape {
  budget.nodes -= 1;
  if (budget.nodes < 0 || depth >= shapeDepthMax) throw new CorruptItem('a shape that is too large');
  switch (reader.peek() >> 5) {
    case 0:
      return { kind: kindOfCode(reader.head(0)) };
    case 4: {
      const count = reader.containerHead(4);
      if (count === 0 || count > shapeNodesMax) throw new CorruptItem('a shape of an array without items');
      const items = Array.from({ length: count }, () => readNode(reader, depth + 1, budget));
      return count === 1 ? { kind: 'list', item: items[0] as Shape } : { kind: 'tuple', items };
    }
    case 5:
      return readFields(reader, depth, budget);
    default:
      throw new CorruptItem('a shape of unknown form');
  }
}

function readFields(reader: ItemReader, depth: number, budget: Budget): Shape {
  const count = reader.containerHead(5);
  const names = new Set<string>();
  const fields = [];
  for (let index = 0; index < count; index += 1) {
    const name = reader.text();
    budget.text -= name.length;
    if (!isFieldName(name) || names.has(name) || budget.text < 0) throw new CorruptItem('a field name that no shape has');
    names.add(name);
    fields.push({ name, shape: readNode(reader, depth + 1, budget) });
  }
  return { kind: 'object', fields };
}

function kindOfCode(code: number): LeafKind {
  const kind = leafKinds[code];
  if (kind === undefined) throw new CorruptItem(`a column of kind ${code}`);
  return kind;
}
