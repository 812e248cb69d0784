/** Passthrough devices on this machine: those of its own /sys/bus/pci, and those that a real libvirtd's domains have. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openLocalHost, type LocalHost } from '../../agent/compose.js';
import { parseConfig } from '../../agent/config.js';
import { domainReport } from '../../agent/host/reports.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const pci = '/sys/bus/pci/devices';
const fileOf = (address: string, name: string): string =>
  readFileSync(join(pci, address, name), 'utf8').trim();

const address = (at: string): string => {
  const [domain, bus, slot, own] = at.split(/[:.]/);
  return `<source><address type='pci' domain='0x${domain}' bus='0x${bus}' slot='0x${slot}' function='0x${own}'/></source>`;
};
const hostdev = (at: string): string =>
  `<hostdev mode='subsystem' type='pci' managed='yes'>${address(at).replace(" type='pci'", '')}</hostdev>`;
const nic = (at: string): string =>
  `<interface type='hostdev' managed='yes'><mac address='52:54:00:0d:0e:01'/>${address(at)}</interface>`;

async function openHost(t: Test, libvirtd: PrivateLibvirtd, passthrough: object[]): Promise<LocalHost> {
  const state = mkdtempSync(join(tmpdir(), 'drover-passthrough-'));
  const config = {
    ...{ state_directory: state, passthrough },
    ...{ libvirt_uri: libvirtd.uri, libvirt_pid_directory: libvirtd.pidDirectory },
  };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const how = { agentVersion: 'test', isRoot: true, readOnly: true };
  const host = await openLocalHost(parseConfig(JSON.stringify(config), 'test'), how, log);
  t.teardown(async () => {
    await host.close();
    rmSync(state, { recursive: true, force: true });
  });
  return host;
}

async function facts(t: Test, libvirtd: PrivateLibvirtd): Promise<void> {
  const there = readdirSync(pci);
  const bridge = there.find((each) => fileOf(each, 'class').startsWith('0x06'));
  const device = there.find((each) => !fileOf(each, 'class').startsWith('0x06'));
  t.ok(device, 'this machine has a device that is no bridge');
  const specs = [device, bridge].flatMap((each) => (each === undefined ? [] : [{ address: each }]));
  const tags = { physical_network: 'lab' };
  const host = await openHost(t, libvirtd, [
    ...specs.map((each) => ({ ...each, tags })),
    { vendor_id: 'FFFE' },
  ]);
  const { passthrough, warnings } = await host.facts();
  t.match(passthrough?.devices, [
    {
      address: device,
      vendorId: fileOf(device as string, 'vendor').slice(2),
      productId: fileOf(device as string, 'device').slice(2),
      tags,
    },
  ]);
  const said = warnings.filter((each) => each.startsWith('passthrough'));
  t.strictSame(said, ['passthrough: no PCI device of this host matches vendor_id fffe']);
}

async function domains(t: Test, libvirtd: PrivateLibvirtd): Promise<void> {
  const host = await openHost(t, libvirtd, []);
  t.strictSame((await host.facts()).passthrough, { devices: [] });
  const [name, plain] = [`drover-pci-${process.pid}`, `drover-nopci-${process.pid}`];
  await libvirtd.define(plain);
  await libvirtd.define(name, `<devices>${hostdev('0000:3b:02.1')}${nic('0000:af:0a.7')}</devices>`);
  const has = async (): Promise<Record<string, readonly string[]>> => {
    const all = (await host.hypervisor?.domains()) ?? [];
    const report = domainReport(all, () => 0).domains;
    return Object.fromEntries(report.map((each) => [each.name ?? '', each.pciAddresses ?? []]));
  };
  const shows = (which: string, wanted: readonly string[]) =>
    until(
      async () => (await has())[which]?.join() === wanted.join(),
      10_000,
      `${which} has ${wanted.join()}`,
    );
  await until(() => host.hypervisor?.reachable ?? false, 20_000, 'libvirtd was not found');
  await shows(name, ['0000:3b:02.1', '0000:af:0a.7']);
  t.strictSame((await has())[plain], []);

  const file = join(libvirtd.directory, 'change.xml');
  const redefine = async (change: (xml: string) => string): Promise<void> => {
    writeFileSync(file, change(await libvirtd.virsh('dumpxml', '--inactive', name)));
    await libvirtd.virsh('define', file);
  };
  await redefine((xml) => xml.replace('</devices>', `${hostdev('0000:01:00.0')}</devices>`));
  await shows(name, ['0000:01:00.0', '0000:3b:02.1', '0000:af:0a.7']);
  await redefine((xml) => xml.replace(/<interface type='hostdev'.*<\/interface>/s, ''));
  await shows(name, ['0000:01:00.0', '0000:3b:02.1']);

  await libvirtd.virsh('start', plain);
  writeFileSync(file, hostdev('0000:02:00.0'));
  await libvirtd.virsh('attach-device', plain, file, '--config');
  t.strictSame((await has())[plain], [], 'a running domain gets it with its next start');
  await libvirtd.virsh('destroy', plain);
  await shows(plain, ['0000:02:00.0']);
  await libvirtd.virsh('detach-device', plain, file, '--config');
  await libvirtd.virsh('desc', plain, 'without devices', '--config');
  await shows(plain, []);
}

t.setTimeout(120_000);
void t.test('passthrough', { skip: privateLibvirtdMissing() ?? false }, async (t) => {
  const libvirtd = await PrivateLibvirtd.launch();
  t.teardown(() => libvirtd.close());
  await t.test("this machine's devices are told as the configuration selects them", (t) =>
    facts(t, libvirtd),
  );
  await t.test('domains are reported with the devices that they have', (t) => domains(t, libvirtd));
});
