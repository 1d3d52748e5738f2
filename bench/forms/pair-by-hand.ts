/** Half of the keyed count between two processes, as fast as it goes: `<url> <index> <kind> <records> <warm-up>`. */
import { mark } from '../harness/forms.js';
import { makers, type VisitKind } from '../jobs/keyed-functions.js';
import { Half } from './hand-half.js';
import { meet, runHandProcess } from './hand-process.js';
import { visitPackers } from './packed-visits.js';

const [url = '', index = '', kind = '', records = '', warmUp = ''] = process.argv.slice(2);
const make = makers[kind as VisitKind];
let made = 0;
let hasBegun = false;
let sum = 0;

await runHandProcess(url, async (nats) => {
  const half = new Half(nats, Number(index), {
    records: Number(records),
    packer: visitPackers[kind as VisitKind],
    allowed: () => {
      if (!hasBegun && made >= Number(warmUp)) {
        hasBegun = true;
        mark('begin');
      }
      return Infinity;
    },
    make: (n) => {
      made = n + 1;
      return make(n);
    },
    counted: (_visit, known) => {
      sum += known & 1;
    },
    ended: () => mark('end', sum),
  });
  await meet(nats, index, [String(1 - Number(index))]);
  await half.run();
});
