/** What `scripts/start.ts` does, with a source that says when it hands on its first record. */
import { run } from '../../cluster/embedded/run.js';

await run(new URL('../jobs/flights-first-record.js', import.meta.url).href);
