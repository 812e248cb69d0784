/** What tells Drover's own changes from those of others: awaited events, and the mark of libvirt's record. */
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DomainCache } from '../../../../agent/libvirt/domain-cache.js';
import { parseDomainXml } from '../../../../agent/libvirt/domain-xml.js';
import {
  maximumOwnChanges,
  OwnChanges,
  tunedPin,
  tunedScheduler,
  tunedThrottle,
} from '../../../../agent/libvirt/own-changes.js';
import { statusMark } from '../../../../agent/libvirt/status-mark.js';

t.test('events of own writes', async (t) => {
  let nowMs = 0;
  const own = new OwnChanges(() => nowMs);
  own.expect('a', tunedPin('vcpupin0', [0, 1, 3]));
  t.equal(own.isOwn('b', [['cputune.vcpupin0', '0-1,3']]), false, 'of another domain');
  t.equal(own.isOwn('a', [['cputune.vcpupin0', '0']]), false, 'somebody set another value');
  t.equal(own.isOwn('a', [['cputune.vcpupin0', '0-1,3']]), true);
  t.equal(own.isOwn('a', [['cputune.vcpupin0', '0-1,3']]), false, 'one write is one event');
  t.equal(own.isOwn('a', []), false, 'an event that says nothing is looked at');
  own.expect('a', tunedScheduler({ vcpuQuotaUs: -1, cpuShares: 200 }));
  t.equal(
    own.isOwn('a', [
      ['cputune.cpu_shares', '200'],
      ['cputune.vcpu_period', '5'],
    ]),
    false,
    'all of it must be ours',
  );
  t.equal(own.isOwn('a', [['cputune.cpu_shares', '200']]), true);
  nowMs = 5_001;
  t.equal(own.isOwn('a', [['cputune.vcpu_quota', '-1']]), false, "an event that late is nobody's");
  const throttle = tunedThrottle('vda', { totalIopsSec: 500 });
  own.expect('a', throttle);
  t.equal(own.isOwn('a', throttle.slice(0, 3)), true, 'libvirt tells what it was given');
  own.expect('w', throttle);
  own.withdraw('w', throttle);
  t.equal(own.isOwn('w', throttle), false, 'what failed makes no event');
  for (let n = 0; n < maximumOwnChanges.aDomain + 1; n++) own.expect('c', [['x', String(n)]]);
  t.equal(own.isOwn('c', [['x', '0']]), false, 'the oldest made room');
  t.equal(own.isOwn('c', [['x', '1']]), true);
  for (let n = 0; n <= maximumOwnChanges.domains; n++) own.expect(`d${n}`, [['x', '1']]);
  t.equal(own.size, maximumOwnChanges.domains);
});

t.test("the mark of libvirt's record", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-mark-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'vm.xml');
  const mark = (nowMs = 100_000) => statusMark(directory, 'vm', () => nowMs);
  t.equal(mark(), undefined, 'no record');
  writeFileSync(file, 'one');
  utimesSync(file, 50, 50);
  const first = mark();
  t.type(first, 'string');
  t.equal(mark(50_010), undefined, 'it may be written again within the same step of the clock');
  t.equal(statusMark(directory, '../vm'), undefined);
  symlinkSync('loop.xml', join(directory, 'loop.xml'));
  t.equal(statusMark(directory, 'loop'), undefined, 'one that cannot be looked at proves nothing');
  const cache = new DomainCache(
    2,
    () => 0,
    () => mark(),
  );
  const parsed = parseDomainXml(
    "<domain><memory unit='KiB'>2048</memory><vcpu current='1'>2</vcpu></domain>",
  );
  t.strictSame(parsed.size, { vcpus: 1, memoryBytes: 2 ** 21 });
  cache.put(cache.begin('u'), 7, parsed, { name: 'vm', mark: first });
  cache.putBandwidth(cache.begin('u'), 'mac', {});
  t.strictSame([cache.getProven('u', 7), cache.bandwidth('u', 7, 'mac')], [parsed, {}]);
  t.equal(cache.getProven('u', 8), undefined, 'another start');
  const late = cache.begin('u');
  cache.put(cache.begin('u'), 7, parsed, { name: 'vm', mark: first });
  cache.putBandwidth(late, 'mac', {});
  t.equal(cache.bandwidth('u', 7, 'mac'), undefined, 'asked before the XML was read');
  writeFileSync(file, 'two more');
  utimesSync(file, 50, 50);
  t.strictSame(
    [cache.get('u', 7), cache.getProven('u', 7), cache.bandwidth('u', 7, 'mac')],
    [undefined, undefined, undefined],
    'somebody changed the domain',
  );
  t.equal(cache.untouched('u', 7), parsed, 'no event came');
  cache.touched('u');
  t.equal(cache.untouched('u', 7), undefined);
});
