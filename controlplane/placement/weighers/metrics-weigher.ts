import { DroverError } from '../../../proto/wire/errors.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { SchedulerSettings } from '../../model/scheduler-settings.js';
import { isEven, KeptColumns } from './raw-values.js';
import type { Weigher } from './weigher.js';

const multiplierKey = 'metrics_weight_multiplier';
const multiplier = 1;

const kept = new KeptColumns();

/**
 * What hosts measured, each metric times its ratio of `weight_setting`; one that stands there twice counts twice. A host
 * without a metric makes the request fail where metrics are required, as MetricsFilter prevents; else it weighs
 * `weight_of_unavailable`, unless ratio or multiplier is 0. Nova `weights/metrics.py`.
 */
export const metricsWeigher: Weigher = {
  name: 'MetricsWeigher',
  multiplierKey,
  multiplier,
  prepare: (_request, columns, settings) => {
    if (settings.metricRatios.length === 0) return undefined;
    const column = kept.of(columns, settings, (row) => rawOf(columns, row, settings));
    const hasUnweighable = column.high.includes(Infinity);
    if (!hasUnweighable && isEven(column, undefined)) return undefined;
    return { column, floor: undefined, unweighable: () => metricMissing(settings) };
  },
};

/** Infinity: a metric that is required is missing. */
function rawOf(columns: Columns, row: number, settings: SchedulerSettings): number {
  const { metrics } = columns.detailsOf(row);
  let sum = 0;
  for (const { name, ratio } of settings.metricRatios) {
    const metric = metrics.findLast((other) => other.name === name);
    if (metric) sum += metric.value * ratio;
    else if (settings.metricsRequired) return Infinity;
    else if (ratio * multiplierOf(columns, row, settings) !== 0) return settings.weightOfUnavailable;
  }
  return sum;
}

function multiplierOf(columns: Columns, row: number, { weightMultipliers }: SchedulerSettings): number {
  const override = columns.multipliers.get(multiplierKey)?.[row] ?? Number.NaN;
  return Number.isNaN(override) ? (weightMultipliers[multiplierKey] ?? multiplier) : override;
}

function metricMissing({ metricRatios }: SchedulerSettings): DroverError {
  const names = [...new Set(metricRatios.map(({ name }) => name))].join(', ');
  const text = `MetricsWeigher: a host does not measure each of ${names}; enable MetricsFilter, or set metrics.required to false`;
  return new DroverError('failed-precondition', text, {
    field: 'metrics.required',
    value: 'true',
    cure: 'false, or MetricsFilter among the enabled filters',
  });
}
