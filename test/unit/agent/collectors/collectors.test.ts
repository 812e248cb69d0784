/** What is read of a host while guests start: pressure, latency of disks, and whether a guest still boots. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { DiskLatency, leastRequests, parseDiskstats } from '../../../../agent/collectors/disk-latency.js';
import { GuestActivity, maximumFollowed } from '../../../../agent/collectors/guest-activity.js';
import { parseStall, PressureReader } from '../../../../agent/collectors/pressure.js';
import { HostRoot } from '../../../../agent/kernel/root.js';

const directory = mkdtempSync(join(tmpdir(), 'drover-collectors-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const root = new HostRoot(directory);
const put = (file: string, text: string): void => {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
};
const stall = (avg10: number, total: number): string =>
  `some avg10=${avg10} avg60=0.00 avg300=0.00 total=${total}\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=1\n`;

t.test('pressure', async (t) => {
  let nowMs = 0;
  const reader = new PressureReader({ root, now: () => nowMs });
  t.same(reader.read(), { cpuPercent: undefined, ioPercent: undefined, memoryPercent: undefined }, 'no PSI');
  put('proc/pressure/io', stall(12.5, 1_000_000));
  put('proc/pressure/cpu', stall(3, 0));
  nowMs = 1_000;
  t.same(reader.read(), { cpuPercent: 3, ioPercent: 12.5, memoryPercent: undefined }, 'avg10 to begin with');
  put('proc/pressure/io', stall(99, 1_500_000));
  nowMs = 1_400;
  t.equal(reader.read().ioPercent, 12.5, 'too soon for another');
  nowMs = 2_000;
  t.same(reader.read(), { cpuPercent: 0, ioPercent: 50, memoryPercent: undefined }, 'half a second in one');
  put('proc/pressure/io', stall(0, 9_500_000));
  nowMs = 3_000;
  t.equal(reader.read().ioPercent, 100);
  put('proc/pressure/io', stall(0, 3));
  nowMs = 4_000;
  t.equal(reader.read().ioPercent, 0, 'a counter that went back');
  for (const text of [
    '',
    'full avg10=1.00 total=3',
    'some avg10=x total=3',
    'some avg10=1.00 avg60=0 total=',
  ])
    t.equal(parseStall(text), undefined, text);
});

t.test('latency of disks', async (t) => {
  let nowMs = 0;
  let devices = ['254:0', '8:1'];
  const disks = new DiskLatency({ root, devices: () => devices, now: () => nowMs });
  const line = (number: string, reads: number, readMs: number, writes: number, writeMs: number): string =>
    `   ${number.replace(':', '       ')} disk ${reads} 0 0 ${readMs} ${writes} 0 0 ${writeMs} 0 0 0 0 0 0 0 0 0\n`;
  t.equal(disks.read(), undefined, 'no file');
  put(
    'proc/diskstats',
    line('254:0', 100, 1_000, 100, 1_000) + line('8:1', 5, 5, 5, 5) + line('8:2', 1, 1, 1, 1),
  );
  nowMs = 1_000;
  t.equal(disks.read(), undefined, 'nothing to compare with');
  put(
    'proc/diskstats',
    line('254:0', 110, 1_050, 110, 1_150) + line('8:1', 15, 155, 5, 5) + line('8:2', 99, 9e6, 1, 1),
  );
  nowMs = 1_100;
  t.equal(disks.read(), undefined, 'too soon');
  nowMs = 2_000;
  t.equal(disks.read(), 15, '10 ms and 15 ms: the slowest of those asked for');
  put('proc/diskstats', line('254:0', 110 + leastRequests - 1, 9_999, 110, 1_150) + line('8:1', 4, 3, 2, 1));
  nowMs = 3_000;
  t.equal(disks.read(), undefined, 'too few requests; a counter that went back');
  devices = [];
  nowMs = 4_000;
  t.equal(disks.read(), undefined);
  t.same([...parseDiskstats('\n8 0 sda 1 2\nx\n')], []);
});

t.test('a guest settles', async (t) => {
  let nowMs = 0;
  const activity = new GuestActivity({ root, now: () => nowMs });
  const work = (wantedPercent: number, bytes: number): void => {
    put('proc/7/task/7/schedstat', `${wantedPercent * 4e6} ${wantedPercent * 5e6} 99\n`);
    put('proc/7/task/8/schedstat', `0 ${wantedPercent * 1e6} 9`);
    put('proc/7/io', `rchar: 5\nread_bytes: ${bytes}\nwrite_bytes: 0\ncancelled_write_bytes: 0\n`);
  };
  t.equal(activity.isSettled(8), true, 'gone');
  const seen = [
    [0, 0],
    [90, 0], // 90 % of a CPU, most of it waited for
    [100, 5_000_000], // reads
    [110, 5_100_000],
    [115, 5_100_000],
    [118, 5_100_000],
    [190, 5_100_000],
  ].map(([ticks, bytes], second) => {
    nowMs = second * 1000;
    work(ticks as number, bytes as number);
    return activity.isSettled(7);
  });
  t.same(seen, [false, false, false, false, false, true, false]);
  rmSync(join(directory, 'proc/7'), { recursive: true });
  t.equal(activity.isSettled(7), true);
  t.equal(activity.size, 0);
  work(0, 0);
  const many = new GuestActivity({
    root: new (class extends HostRoot {
      override list = () => ['1'];
    })(directory),
    now: () => 0,
  });
  for (let pid = 1; pid <= maximumFollowed + 5; pid++) many.isSettled(pid);
  t.equal(many.size, maximumFollowed, 'the limit');
});

t.test("this machine's kernel", async (t) => {
  const host = new HostRoot('/');
  let nowMs = 0;
  const pressure = new PressureReader({ root: host, now: () => nowMs });
  const first = pressure.read();
  if (first.ioPercent === undefined) {
    t.comment('this kernel has no PSI');
    return;
  }
  nowMs = 1_000;
  for (const percent of Object.values(pressure.read()) as number[])
    t.ok(percent >= 0 && percent <= 100, `${percent} %`);
  t.ok(parseDiskstats(readFileSync('/proc/diskstats', 'utf8')).size > 0);
  const activity = new GuestActivity({ root: host, now: () => nowMs });
  activity.isSettled(process.pid);
  for (const end = process.cpuUsage().user + 300_000; process.cpuUsage().user < end;);
  nowMs += 1_000;
  t.equal(activity.isSettled(process.pid), false, 'this process has just used 300 ms of a second');
  nowMs += 1_000;
  let seconds = 0;
  // What else runs in this process, such as its collector, may go on for a moment.
  for (; seconds < 60 && !activity.isSettled(process.pid); seconds++, nowMs += 1_000) await setTimeout(20);
  t.ok(seconds < 60, `and now it rests, after ${seconds} s of the clock`);
});
