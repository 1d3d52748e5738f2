/** Parameters that every query takes, and the source that they describe. */
import { fileSource, type Parameters, type Source } from 'millrace';
import { auctionEvents } from './event-format.js';
import type { AuctionEvent } from './events.js';
import { generatorSource } from './generator/generator-source.js';
import { generatorDefaults, type GeneratorOptions } from './generator/options.js';

type NumberOption = Exclude<keyof GeneratorOptions, 'splits' | 'pace'>;

/** How long the watermark waits for events that come out of order. */
export function watermarkDelay(parameters: Parameters): number {
  return parameters.duration('watermark-delay', 4_000);
}

/**
 * `--input FILE`, as often as there are files, or events of the generator. A file is one split: it has one order, and what
 * is late in it depends on that. With `--ranges` readers share its bytes, which is right only where nothing is late.
 */
export function eventSource(parameters: Parameters): Source<AuctionEvent> {
  const options = generatorOptions(parameters);
  const inputs = parameters.paths('input');
  const ranges = parameters.boolean('ranges', false);
  if (inputs.length === 0) return generatorSource(options, watermarkDelay(parameters));
  return fileSource(inputs, auctionEvents(), { ranges });
}

/** `--events 1000 --hot-auction-ratio 4 …`: the names of the options, in kebab case. */
export function generatorOptions(parameters: Parameters): GeneratorOptions {
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
