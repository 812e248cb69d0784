/** A test with a systemd host: skipped in words where there can be none, removed at its end, its times printed. */
import type { Test } from 'tap';
import { SystemdHost, type HostOptions } from '../../scripts/systemd-host/host.js';
import { systemdHostObstacle } from '../../scripts/systemd-host/rootfs.js';

export interface Bench {
  readonly host: SystemdHost;
  /** Prints a line for whoever reads the times. */
  say(text: string): void;
  /** Does it and prints how long it took. */
  timed<Result>(what: string, work: () => Promise<Result>): Promise<Result>;
}

/** Why no such test runs here; false: it does. */
export const skipHosts: string | false = systemdHostObstacle() ?? false;

/** A host that is on, for one test. When the test fails, the end of the host's journal is printed. */
export async function bench(t: Test, label: string, options: HostOptions = {}): Promise<Bench> {
  t.setTimeout(230_000);
  const host = await SystemdHost.make(label, options);
  t.teardown(async () => {
    if (!t.passing()) t.comment(await lastWords(host));
    await host.down();
  });
  const say = (text: string): void => t.comment(`${label}: ${text}`);
  const timed: Bench['timed'] = async (what, work) => {
    const begin = performance.now();
    const result = await work();
    say(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    return result;
  };
  await timed('boot', () => host.up());
  t.same(await host.failedUnits(), [], 'no unit failed');
  return { host, say, timed };
}

async function lastWords(host: SystemdHost): Promise<string> {
  const ours = /drover|libvirt|ovs|openvswitch|logind/;
  const lines = (await host.journal().catch(() => []))
    .filter(({ unit, message }) => ours.test(unit) || ours.test(message))
    .map(({ atMs, unit, message }) => `${(atMs / 1000).toFixed(3)} ${unit} ${message}`);
  return lines.slice(-60).join('\n');
}
