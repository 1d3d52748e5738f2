/**
 * Exactly-once files: every record is in the output once, whatever fails.
 *
 *     npm run example -- 05 --output /tmp/late-flights
 *
 * Between two checkpoints the sink writes to hidden files. They are synced before a checkpoint counts, and get their
 * final names once it has completed; after a failure, files of the latest checkpoint are renamed (again) and all others
 * removed. So readers of the folder never see a record twice, and never one that a restart would take back.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineJob, fileSink, jsonArraySource } from 'millrace';
import { vegaData } from './vega-data.js';

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
}

export default defineJob('exactly-once-files', (env) => {
  const output = env.parameters.string('output', join(tmpdir(), 'millrace-late-flights'));
  env.enableCheckpointing('500 ms');

  env
    .fromSource(jsonArraySource<Flight>(env.parameters.string('input', vegaData('flights-20k.json'))))
    .filter((flight) => flight.delay >= 60)
    .keyBy((flight) => flight.origin)
    .map(({ date, origin, destination, delay }) => ({ date, route: `${origin}-${destination}`, hours: Math.round(delay / 6) / 10 }))
    .sinkTo(fileSink(output, { suffix: '.ndjson' }));
});
