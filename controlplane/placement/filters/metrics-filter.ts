import type { Metric } from '../../model/host-details.js';
import { listed } from '../requirements/row-sets.js';
import { asksNothing, type Filter } from './filter.js';

/** The host measures every metric of `weight_setting`, so that MetricsWeigher can weigh it. Nova `metrics_filter.py`. */
export const metricsFilter: Filter = {
  name: 'MetricsFilter',
  reasons: ['metric-missing'],
  prepare: (_request, columns, { metricRatios }) => {
    if (metricRatios.length === 0) return asksNothing;
    const names = [...new Set(metricRatios.map(({ name }) => name))];
    const missing = (row: number) => names.filter((name) => !has(columns.detailsOf(row).metrics, name));
    return {
      passes: (row) => {
        const { metrics } = columns.detailsOf(row);
        return names.every((name) => has(metrics, name));
      },
      reasonOf: () => 0,
      wordsOf: (row) => ({ observed: `not measured: ${listed(missing(row))}`, wanted: listed(names) }),
    };
  },
};

function has(metrics: readonly Metric[], name: string): boolean {
  return metrics.some((metric) => metric.name === name);
}
