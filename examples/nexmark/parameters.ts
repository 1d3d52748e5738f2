/** Parameters that every query takes, and the source that they describe. */
import { fileSource, type Parameters, type Source } from 'millrace';
import { auctionEvents } from './event-format.js';
import type { AuctionEvent } from './events.js';
import { generatorSource } from './generator/generator-source.js';
import { generatorDefaults, type GeneratorOptions } from './generator/options.js';

type NumberOption = Exclude<keyof GeneratorOptions, 'splits' | 'pace'>;

/** A file is one split: it has one order, and what is late in it depends on that. */
const wholeFile = { splitBytes: Number.MAX_SAFE_INTEGER };

/** How long the watermark waits for events that come out of order. */
export function watermarkDelay(parameters: Parameters): number {
  return parameters.duration('watermark-delay', 4_000);
}

/**
 * `--input FILE`, as often as there are files, or events of the generator. With `--ranges` readers share the bytes of a
 * file: right only for files without late events.
 */
export function eventSource(parameters: Parameters): Source<AuctionEvent> {
  const options = generatorOptions(parameters);
  const inputs = parameters.paths('input');
  const isInRanges = parameters.boolean('ranges', false);
  if (inputs.length === 0) return generatorSource(options, watermarkDelay(parameters));
  return fileSource(inputs, auctionEvents(), isInRanges ? {} : wholeFile);
}

/** `--events 1000 --hot-auction-ratio 4 …`: the names of the options, in kebab case. */
function generatorOptions(parameters: Parameters): GeneratorOptions {
  const numbers = { ...generatorDefaults };
  for (const name of Object.keys(generatorDefaults) as (keyof GeneratorOptions)[]) {
    if (name === 'splits' || name === 'pace') continue;
    (numbers as Record<NumberOption, number>)[name] = parameters.integer(kebabCase(name), generatorDefaults[name]);
  }
  return {
    ...numbers,
    splits: parameters.has('splits') ? parameters.integer('splits') : undefined,
    pace: parameters.boolean('pace', generatorDefaults.pace),
  };
}

const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
