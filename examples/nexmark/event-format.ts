/** Events as NDJSON: one a line, `type` first. Readers depend on neither the order of fields nor white space. */
import { ndjson, type DecodeOutcome, type FileFormat, type RecordDecoder } from 'millrace';
import type { AuctionEvent } from './events.js';

type FieldType = 'number' | 'string';

/** In the order they are written in. */
const fields: Readonly<Record<AuctionEvent['type'], Readonly<Record<string, FieldType>>>> = {
  person: {
    id: 'number',
    name: 'string',
    emailAddress: 'string',
    creditCard: 'string',
    city: 'string',
    state: 'string',
    dateTime: 'number',
    extra: 'string',
  },
  auction: {
    id: 'number',
    itemName: 'string',
    description: 'string',
    initialBid: 'number',
    reserve: 'number',
    dateTime: 'number',
    expires: 'number',
    seller: 'number',
    category: 'number',
    extra: 'string',
  },
  bid: {
    auction: 'number',
    bidder: 'number',
    price: 'number',
    channel: 'string',
    url: 'string',
    dateTime: 'number',
    extra: 'string',
  },
};

/** Lines that hold events. A line that holds none is malformed: its place and what is wrong with it are told. */
export function auctionEvents(): FileFormat<AuctionEvent> {
  const lines = ndjson<unknown>();
  return {
    name: 'auction events',
    data: { format: 'auction events' },
    isSplittable: lines.isSplittable,
    open: async (file) => new EventDecoder(await lines.open(file)),
  };
}

class EventDecoder implements RecordDecoder<AuctionEvent> {
  readonly #line: RecordDecoder<unknown>;
  readonly dataOffset: number;
  readonly dataLine: number;
  readonly endsItself = false;
  declare value: AuctionEvent;
  reason = '';
  consumedBytes = 0;
  leadingBytes = 0;
  consumedLines = 0;

  constructor(line: RecordDecoder<unknown>) {
    this.#line = line;
    this.dataOffset = line.dataOffset;
    this.dataLine = line.dataLine;
  }

  next(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome {
    const line = this.#line;
    const outcome = line.next(bytes, at, isEndOfFile);
    this.consumedBytes = line.consumedBytes;
    this.leadingBytes = line.leadingBytes;
    this.consumedLines = line.consumedLines;
    if (outcome !== 'record') {
      this.reason = line.reason;
      return outcome;
    }
    const fault = faultOf(line.value);
    if (fault !== undefined) {
      this.reason = fault;
      return 'malformed';
    }
    this.value = line.value as AuctionEvent;
    return 'record';
  }
}

/** What is wrong with a value that should be an event. */
function faultOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it is no event: an object is expected';
  const event = value as Readonly<Record<string, unknown>>;
  const { type } = event;
  if (type !== 'person' && type !== 'auction' && type !== 'bid') return `"type" is ${JSON.stringify(type)}, not person, auction or bid`;
  const expected = fields[type];
  for (const name in expected) {
    const isNumber = expected[name] === 'number';
    const isRight = isNumber ? Number.isSafeInteger(event[name]) : typeof event[name] === 'string';
    if (!isRight) return `"${name}" of the ${type} is ${shown(event[name])}, not a ${isNumber ? 'whole number' : 'text'}`;
  }
  return undefined;
}

const shown = (value: unknown): string => (value === undefined ? 'missing' : JSON.stringify(value));
