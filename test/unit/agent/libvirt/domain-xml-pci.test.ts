/** The host's PCI devices in domain XML. */
import t from 'tap';
import { maximumPciAddresses } from '../../../../agent/libvirt/domain-xml-pci.js';
import { parseDomainXml } from '../../../../agent/libvirt/domain-xml.js';

const addressesOf = (devices: string) =>
  parseDomainXml(`<domain><devices>${devices}</devices></domain>`).view.pciAddresses;

const at = (bus: string, slot: string, own: string, more = '') =>
  `<source><address ${more} domain='0x0000' bus='${bus}' slot='${slot}' function='${own}'/></source>`;
const hostdev = (source: string, type = 'pci') =>
  `<hostdev mode='subsystem' type='${type}'>${source}</hostdev>`;
const nic = (source: string, type = 'hostdev') => `<interface type='${type}'>${source}</interface>`;

t.test('devices of every kind, sorted, each once', async (t) => {
  const own = "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>";
  const devices = [
    hostdev(at('0xAF', '0x00', '0x0') + own),
    nic(at('0x3b', '0x02', '0x7', "type='pci'") + own),
    hostdev(at('59', '2', '1')),
    nic(at('0x3b', '0x02', '0x7')),
    `<disk type='nvme'>${at('0x01', '0x1f', '0x0')}<target dev='vda'/></disk>`,
  ];
  t.strictSame(addressesOf(devices.join('')), [
    '0000:01:1f.0',
    '0000:3b:02.1',
    '0000:3b:02.7',
    '0000:af:00.0',
  ]);
  t.strictSame(addressesOf(''), []);
});

t.test('what is no PCI device of the host, or none that can be', async (t) => {
  const devices = [
    hostdev("<source><vendor id='0x1234'/><address bus='1' device='2'/></source>", 'usb'),
    hostdev("<source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>", 'mdev'),
    nic("<source><address type='usb' bus='1' device='2'/></source>"),
    nic("<source bridge='br0'/>", 'bridge'),
    hostdev(''),
    hostdev(at('0x100', '0x00', '0x0')),
    hostdev(at('0x3b', '0x20', '0x0')),
    hostdev(at('0x3b', '0x00', '0x8')),
    hostdev(at('x', '0x00', '0x0')),
    hostdev("<source><address bus='0x01' slot='0x00' function='0x0'/></source>"),
    hostdev("<source><address domain='0x10000' bus='0x01' slot='0x00' function='0x0'/></source>"),
  ];
  t.strictSame(addressesOf(devices.join('')), []);
});

t.test('the limit is reached and kept', async (t) => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => hostdev(at(`${index}`, '0x00', '0x0'))).join('');
  t.equal(addressesOf(many(maximumPciAddresses)).length, 64);
  t.equal(addressesOf(many(maximumPciAddresses + 1)).length, 64);
});
