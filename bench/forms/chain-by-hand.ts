/** The chain without an engine: `loop`, `closures` or `generated`, the functions handed in as an engine gets them. */
import { mark } from '../harness/forms.js';
import { inEuro, isNotPhone, makeBid, rounded, weight, type Bid } from '../jobs/chain-functions.js';

type Range = (from: number, to: number) => number;
type Functions = readonly [typeof makeBid, typeof inEuro, typeof isNotPhone, typeof rounded, typeof weight];

function loop([make, first, isWanted, second, weigh]: Functions): Range {
  return (from, to) => {
    let sum = 0;
    for (let n = from; n < to; n += 1) {
      const mapped = first(make(n));
      if (isWanted(mapped)) sum += weigh(second(mapped));
    }
    return sum;
  };
}

function closures([make, first, isWanted, second, weigh]: Functions): Range {
  let sum = 0;
  const count = (bid: Bid): void => {
    sum += weigh(bid);
  };
  const mapSecond = (bid: Bid): void => count(second(bid));
  const filter = (bid: Bid): void => {
    if (isWanted(bid)) mapSecond(bid);
  };
  const mapFirst = (bid: Bid): void => filter(first(bid));
  return (from, to) => {
    sum = 0;
    for (let n = from; n < to; n += 1) mapFirst(make(n));
    return sum;
  };
}

function generated(functions: Functions): Range {
  const body = `
    const [make, first, isWanted, second, weigh] = functions;
    return function run(from, to) {
      let sum = 0;
      for (let n = from; n < to; n += 1) {
        let bid = make(n);
        bid = first(bid);
        if (!isWanted(bid)) continue;
        bid = second(bid);
        sum += weigh(bid);
      }
      return sum;
    };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- a constant text: generated code is one of the forms
  return new Function('functions', body)(functions) as Range;
}

const forms: Readonly<Record<string, (functions: Functions) => Range>> = { loop, closures, generated };
const [name = '', records = '', warmUp = ''] = process.argv.slice(2);
const form = forms[name];
if (form === undefined) throw new Error(`no form ${name}`);
const run = form([makeBid, inEuro, isNotPhone, rounded, weight]);
let sum = 0;
/** As an engine reads: a batch at a time. */
const batch = 100_000;
for (let from = 0; from < Number(warmUp); from += batch) sum += run(from, Math.min(Number(warmUp), from + batch));
mark('begin');
for (let from = Number(warmUp); from < Number(records); from += batch) sum += run(from, Math.min(Number(records), from + batch));
mark('end', sum);
