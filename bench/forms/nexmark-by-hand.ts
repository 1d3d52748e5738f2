/** A Nexmark query by hand, on one thread, over the events of the same generator: `<query> <events> <warm-up> [folder for its files]`. */
import { EventMaker } from '../../examples/nexmark/generator/event-maker.js';
import { generatorDefaults } from '../../examples/nexmark/generator/options.js';
import { mark } from '../harness/forms.js';
import { bidByBid } from './nexmark/bid-by-bid.js';
import { delayMs, type MakeHandWritten } from './nexmark/by-hand.js';
import { q10To } from './nexmark/files.js';
import { joins } from './nexmark/joins.js';
import { tables } from './nexmark/tables.js';
import { windows } from './nexmark/windows.js';

const [query = '', events = '1000000', warmUp = '0', folder = ''] = process.argv.slice(2);
const queries = { ...bidByBid, ...joins, ...tables, ...windows, q10: q10To(folder) } as Readonly<Record<string, MakeHandWritten>>;
let rows = 0;
const maker = new EventMaker({ ...generatorDefaults, events: Number(events) });
const byHand = (queries[query] as MakeHandWritten)(() => (rows += 1), delayMs);
for (let n = 0; n < Number(warmUp); n += 1) byHand.take(maker.make(n));
mark('begin');
for (let n = Number(warmUp); n < Number(events); n += 1) byHand.take(maker.make(n));
byHand.end();
mark('end', rows);
mark('peak-kib', process.resourceUsage().maxRSS);
