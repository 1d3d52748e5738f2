/**
 * The metrics that the functions of one task keep, and how they are told.
 *
 * FM1  A name of an operator has one kind; another kind is refused, naming both.
 * FM2  There are at most `limits.metricsPerTask`, and their names are short: they travel with every report of the task.
 * FM3  A gauge that throws is logged once and not told; it never harms the task.
 */
import type { FunctionMetric } from '../../bus/protocol/messages/tasks.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { LogLinearHistogram } from '../../core/log-linear-histogram.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import type { Meter, MetricCounter, MetricGroup, MetricHistogram } from '../metrics.js';

type Kind = FunctionMetric['kind'];

interface KeptMetric {
  readonly operator: OperatorDescriptor;
  readonly name: string;
  readonly kind: Kind;
  /** What counts; undefined: a gauge. */
  readonly instrument: unknown;
  readonly read: () => Record<string, number>;
}

export class FunctionMetrics {
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptMetric>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  groupOf(operator: OperatorDescriptor, logger: Logger): MetricGroup {
    const keep = <T>(kind: Kind, name: string, make: () => Pick<KeptMetric, 'instrument' | 'read'>): T =>
      this.#keep({ operator, name, kind }, make) as T;
    return {
      counter: (name) => keep<MetricCounter>('counter', name, makeCounter),
      histogram: (name) => keep<MetricHistogram>('histogram', name, makeHistogram),
      meter: (name) => keep<Meter>('meter', name, () => makeMeter(this.#clock)),
      gauge: (name, read) => keep('gauge', name, () => makeGauge(name, read, logger)),
    };
  }

  /** What every metric says now. */
  report(): FunctionMetric[] {
    return [...this.#kept.values()].map(({ operator, name, kind, read }) => ({ operator: operator.id, name, kind, values: read() }));
  }

  #keep(metric: Pick<KeptMetric, 'operator' | 'name' | 'kind'>, make: () => Pick<KeptMetric, 'instrument' | 'read'>): unknown {
    const { operator, name, kind } = metric;
    if (typeof name !== 'string' || name === '' || name.length > limits.metricNameMax) {
      throw metricError('METRIC_NAME_INVALID', operator, `${JSON.stringify(name)} is no name of a metric.`, {
        hint: `Use 1 to ${limits.metricNameMax} characters.`,
      });
    }
    const id = `${operator.id}/${name}`;
    const known = this.#kept.get(id);
    if (known !== undefined) {
      if (known.kind === kind && kind !== 'gauge') return known.instrument;
      const message = `The metric "${name}" is kept as a ${known.kind} already, and was asked for as a ${kind}.`;
      throw metricError('METRIC_KIND_CLASH', operator, message, { hint: 'Give each metric of an operator a name of its own.' });
    }
    if (this.#kept.size >= limits.metricsPerTask) {
      const message = `The functions of this task keep more than ${limits.metricsPerTask} metrics.`;
      throw metricError('METRICS_TOO_MANY', operator, message, { hint: 'Keep metrics for a few things, not for each key or record.' });
    }
    const made = { ...metric, ...make() };
    this.#kept.set(id, made);
    return made.instrument;
  }
}

function metricError(code: string, operator: OperatorDescriptor, message: string, { hint }: { readonly hint: string }): MillraceError {
  return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where: operator.name, hint });
}

function makeCounter(): Pick<KeptMetric, 'instrument' | 'read'> {
  const counter = {
    count: 0,
    increment(by = 1): void {
      counter.count += by;
    },
  };
  return { instrument: counter, read: () => ({ count: counter.count }) };
}

function makeHistogram(): Pick<KeptMetric, 'instrument' | 'read'> {
  const histogram = new LogLinearHistogram();
  return { instrument: histogram, read: () => ({ ...histogram.quantiles() }) };
}

const rateWindowMs = 60_000;
/** Reports come once a second, and with each state. */
const rateSamplesMax = 128;

function makeMeter(clock: Clock): Pick<KeptMetric, 'instrument' | 'read'> {
  const meter = {
    count: 0,
    mark(events = 1): void {
      meter.count += events;
    },
  };
  const samples = [{ at: clock.monotonic(), count: 0 }];
  const read = (): Record<string, number> => {
    const at = clock.monotonic();
    while (samples.length > 1 && (samples.length > rateSamplesMax || at - (samples[1] as { at: number }).at >= rateWindowMs))
      samples.shift();
    const [oldest] = samples as [{ at: number; count: number }];
    const passedMs = at - oldest.at;
    samples.push({ at, count: meter.count });
    return { count: meter.count, perSecond: passedMs <= 0 ? 0 : ((meter.count - oldest.count) * 1_000) / passedMs };
  };
  return { instrument: meter, read };
}

/** FM3. */
function makeGauge(name: string, gauge: () => number, logger: Logger): Pick<KeptMetric, 'instrument' | 'read'> {
  let isLogged = false;
  const read = (): Record<string, number> => {
    try {
      const value = gauge();
      return typeof value === 'number' && Number.isFinite(value) ? { value } : {};
    } catch (error) {
      if (!isLogged) logger.log('warn', 'A gauge threw', { gauge: name, error: toErrorRecord(error).message });
      isLogged = true;
      return {};
    }
  };
  return { instrument: undefined, read };
}
