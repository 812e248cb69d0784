/**
 * Applies settings to one domain and stands still before write number N, for a test to kill it there:
 * `node applying-child.js STATE DOMAIN SETTINGS-JSON N`. Prints `standing` when it does.
 */
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { openRealHost } from './real-reconciler.js';

const [state = '', domain = '', settings = '{}', count = '0'] = process.argv.slice(2);
const writing = new Set<string | symbol>(['pinVcpu', 'pinEmulator', 'setScheduler', 'setBlockLimits']);
let writes = 0;

function standing(): Promise<never> {
  process.stdout.write('standing\n');
  setInterval(() => undefined, 1000);
  return new Promise(() => undefined);
}

function standBefore(limit: number): (hypervisor: Hypervisor) => Hypervisor {
  return (hypervisor) =>
    new Proxy(hypervisor, {
      get(target, key) {
        if (writing.has(key) && ++writes > limit) return standing;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function'
          ? (value as (...values: unknown[]) => unknown).bind(target)
          : value;
      },
    });
}

const host = await openRealHost(state, domain, standBefore(Number(count)));
await host.reconciler.apply(JSON.parse(settings) as TunerSettings);
process.stdout.write('finished\n');
await host.close();
