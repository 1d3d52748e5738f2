/** What a generator is asked for, checked: an option that would break a promise is refused while the job is built. */
import { MillraceError } from 'millrace';

export interface GeneratorOptions {
  /** How many. */
  readonly events: number;
  /** Which data: types, ids and times are the same for every seed. */
  readonly seed: number;
  /** Events per second of event time. */
  readonly rate: number;
  /** Time of event 0. */
  readonly baseTime: number;
  /** A reference is hot with probability 1 - 1/ratio. */
  readonly hotAuctionRatio: number;
  readonly hotSellersRatio: number;
  readonly hotBiddersRatio: number;
  /** How far back a reference reaches. */
  readonly numInFlightAuctions: number;
  readonly numActivePeople: number;
  /** Sizes that `extra` fills events up to. */
  readonly avgPersonByteSize: number;
  readonly avgAuctionByteSize: number;
  readonly avgBidByteSize: number;
  /** Events within a group of this size are emitted out of order; 1: in order. */
  readonly outOfOrderGroupSize: number;
  /** Parts that are read in parallel; undefined: as many as there are readers. */
  readonly splits: number | undefined;
  /** Whether an event is emitted no earlier than its place in event time after the start. */
  readonly pace: boolean;
}

export const generatorDefaults: GeneratorOptions = {
  events: 1_000_000,
  seed: 1,
  rate: 10_000,
  baseTime: Date.UTC(2015, 6, 15),
  hotAuctionRatio: 2,
  hotSellersRatio: 4,
  hotBiddersRatio: 4,
  numInFlightAuctions: 100,
  numActivePeople: 1_000,
  avgPersonByteSize: 200,
  avgAuctionByteSize: 500,
  avgBidByteSize: 100,
  outOfOrderGroupSize: 1,
  splits: undefined,
  pace: false,
};

/** A group is gone through in steps of this many places: a prime, so that few sizes have a factor in common with it. */
export const groupStride = 953;

const sizeMax = 1_000_000;
/** 953 times the place in a group must be a whole number that doubles hold. */
const groupSizeMax = 1e9;

const ranges: Readonly<Record<Exclude<keyof GeneratorOptions, 'splits' | 'pace'>, readonly [least: number, most: number]>> = {
  events: [0, 1e12],
  seed: [0, Number.MAX_SAFE_INTEGER],
  rate: [1, 1e9],
  baseTime: [0, 1e15],
  hotAuctionRatio: [1, 1e9],
  hotSellersRatio: [1, 1e9],
  hotBiddersRatio: [1, 1e9],
  numInFlightAuctions: [1, 1e9],
  numActivePeople: [1, 1e9],
  avgPersonByteSize: [0, sizeMax],
  avgAuctionByteSize: [0, sizeMax],
  avgBidByteSize: [0, sizeMax],
  outOfOrderGroupSize: [1, groupSizeMax],
};

/** The options with defaults for what is missing; throws for those that no generator can keep to. */
export function checkGeneratorOptions(given: Partial<GeneratorOptions>, watermarkDelayMs: number): GeneratorOptions {
  const options = { ...generatorDefaults, ...given };
  for (const [name, range] of Object.entries(ranges)) checkRange(name, options[name as keyof typeof ranges], range);
  if (options.splits !== undefined) checkRange('splits', options.splits, [1, 100_000]);
  checkOrder(options, watermarkDelayMs);
  return options;
}

function checkRange(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw refused(`${name} cannot be ${value}.`, `Use a whole number from ${least} to ${most}.`);
}

function checkOrder({ outOfOrderGroupSize: group, rate }: GeneratorOptions, watermarkDelayMs: number): void {
  if (group % groupStride === 0)
    throw refused(
      `outOfOrderGroupSize cannot be ${group}: it is a multiple of ${groupStride}, the step events of a group are taken in.`,
      `Use a size that ${groupStride} does not divide.`,
    );
  const lagMs = group === 1 ? 0 : Math.ceil((1_000 * group) / rate);
  if (lagMs < watermarkDelayMs) return;
  if (group === 1) throw refused('Behind a watermark that waits for 0 ms, events of one instant are late.', 'Wait for 1 ms at least.');
  throw refused(
    `Groups of ${group} events at ${rate} events a second are up to ${lagMs} ms out of order: events would come late, behind a watermark that waits for ${watermarkDelayMs} ms.`,
    'Use smaller groups, a higher rate, or a longer watermark delay.',
  );
}

function refused(message: string, hint: string): MillraceError {
  return new MillraceError('NEXMARK_OPTION_INVALID', message, { domain: 'user', recovery: 'fail-job', where: 'generator', hint });
}
