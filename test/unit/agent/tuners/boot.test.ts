/** Arguments of the kernel command line: what is refused, how lines compare, and the boot file under a root of the test's own. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { bootFile, bootFileContent, parseBootFile, putBootFile } from '../../../../agent/kernel/boot-file.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { missingArguments, splitArguments } from '../../../../agent/tuners/common/memory/kernel-arguments.js';
import { kernelCommandLine } from '../../../../agent/tuners/kernel-command-line.js';
import type { HostView, Knob, Reading } from '../../../../agent/tuners/tuner.js';
import {
  kernelCommandLine as schema,
  longestArguments,
} from '../../../../proto/tuners/kernel-command-line.js';
import { makeTree, type TreeFiles } from '../kernel/tree.js';

t.test('arguments that are taken and refused', async (t) => {
  const taken = [
    'hugepagesz=1G',
    'isolcpus=managed_irq,domain,2-5',
    'nohz_full=2-5',
    'quiet',
    'a.b-c=~1',
    'mitigations=auto',
  ];
  t.ok(schema.safeParse({ arguments: taken }).success);
  const cases: [string, RegExp][] = [
    ['init=/bin/sh', /which program/], ['rdinit=/x', /which program/], ['single', /which program/], ['1', /which program/],
    ['systemd.unit=rescue.target', /which program/], ['systemd.debug_shell', /which program/], ['rd.break', /which program/],
    ['root=/dev/sdb', /which disk/], ['rw', /which disk/], ['BOOT_IMAGE=/x', /which disk/],
    ['selinux=0', /protection/], ['lockdown=none', /protection/],
    ['a b', /no spaces/], ['a="b"', /no spaces/], ["a='b'", /no spaces/], ['a=$(reboot)', /no spaces/], ['a=`x`', /no spaces/],
    ['a\nb', /no spaces/], ['a\\b', /no spaces/], ['--', /no spaces/], ['', /no spaces/], ['memmap=1G$4G', /no spaces/],
  ]; // prettier-ignore
  for (const [argument, reason] of cases) {
    const { error } = schema.safeParse({ arguments: [argument] });
    t.match(error?.issues[0]?.message, reason, JSON.stringify(argument));
  }
  t.notOk(schema.safeParse({ arguments: [] }).success);
  t.notOk(schema.safeParse({ arguments: Array.from({ length: 65 }, (_, n) => `a${n}`) }).success, 'over 64');
  const long = Array.from({ length: 5 }, (_, n) => `a${n}=${'x'.repeat(250)}`);
  t.match(schema.safeParse({ arguments: long }).error?.issues[0]?.message, `${longestArguments}`);
});

t.test('which arguments a command line has', async (t) => {
  const cases: [line: string, wanted: string[], missing: string[]][] = [
    ['ro quiet', ['quiet'], []],
    ['ro', ['quiet'], ['quiet']],
    ['isolcpus=1', ['isolcpus=2'], ['isolcpus=2']],
    ['isolcpus=2 isolcpus=1', ['isolcpus=2'], ['isolcpus=2']], // the last counts
    ['isolcpus=1 isolcpus=2', ['isolcpus=2'], []],
    ['transparent-hugepage=never', ['transparent_hugepage=never'], []],
    ['hugepagesz=2M hugepages=16', ['hugepagesz=1G', 'hugepages=16'], ['hugepagesz=1G', 'hugepages=16']],
    ['hugepagesz=1G hugepages=16 hugepagesz=2M hugepages=8', ['hugepagesz=1G', 'hugepages=16'], []],
    ['hugepagesz=1G hugepages=8', ['hugepagesz=1G', 'hugepages=16'], ['hugepages=16']],
    ['hugepages=16', ['hugepages=16'], []],
    ['console=tty0 console=ttyS0', ['console=tty0'], []],
    ['a="b c" quiet', ['quiet'], []],
    ['ro -- quiet', ['quiet'], ['quiet']], // what follows is for init
  ];
  for (const [line, wanted, missing] of cases)
    t.strictSame(missingArguments(line, wanted), missing, `${line} | ${wanted.join(' ')}`);
  t.strictSame(splitArguments('a="b c"  d -- e'), ['a="b c"', 'd']);
});

const view = { domains: [] } as unknown as HostView;
const settings = schema.parse({ arguments: ['hugepagesz=1G', 'hugepages=16'] });
const text = 'hugepagesz=1G hugepages=16';
const grub = (line: string): string =>
  `menuentry 'x' {\n\tlinux\t/boot/vmlinuz ${line}\n}\nmenuentry 'r' {\n\tlinux /boot/vmlinuz ro single\n}\n`;

function makeHost(t: Test, files: TreeFiles = {}): HostRoot {
  return makeTree(t, {
    '/etc/default/grub.d/50-cloud.cfg': 'x=1\n',
    '/proc/cmdline': 'ro quiet\n',
    ...files,
  });
}

const observe = (root: HostRoot): Promise<Reading[]> =>
  kernelCommandLine.observe({ kernel: root, hypervisor: undefined }, view);
const write = (root: HostRoot, knob: Knob, value: string): Promise<void> =>
  kernelCommandLine.write({ kernel: root, hypervisor: undefined }, knob, value);

t.test('the boot file: made, read, undone', async (t) => {
  const root = makeHost(t, { '/boot/grub/grub.cfg': grub('ro quiet') });
  const before = await observe(root);
  t.match(before, [{ value: 'absent', knob: { persistent: true } }, { value: 'ro quiet' }]);
  const [file, running] = kernelCommandLine.want(settings, before, view);
  t.match(file, { value: text, effect: 'host-reboot', remark: 'run update-grub after it' });
  t.match(running, {
    value: `ro quiet ${text}`,
    effect: 'host-reboot',
    deferred: `${text}: run update-grub, then start the host anew`,
  });
  t.strictSame(kernelCommandLine.want(settings, before, view), [file, running], 'want is pure');

  const knob = before[0]?.knob as Knob;
  await write(root, knob, text);
  const path = join(root.path, bootFile);
  t.equal(
    readFileSync(path, 'utf8').split('\n').at(-2),
    'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT} hugepagesz=1G hugepages=16"',
  );
  t.strictSame(readdirSync(dirname(path)), ['50-cloud.cfg', '90-drover.cfg'], 'no draft is left');
  t.match((await observe(root))[0], { value: text, evidence: /not yet in .*hugepages=16; run update-grub/ });
  writeFileSync(join(root.path, '/boot/grub/grub.cfg'), grub(`ro quiet ${text}`));
  const after = await observe(root);
  t.match(after[0], { value: text, evidence: 'in /boot/grub/grub.cfg' });
  t.match(kernelCommandLine.want(settings, after, view)[1], { deferred: `${text}: start the host anew` });

  writeFileSync(join(root.path, '/proc/cmdline'), `ro quiet ${text}\n`); // the host was started anew
  const restarted = await observe(root);
  const wants = kernelCommandLine.want(settings, restarted, view);
  t.strictSame(
    wants.map(({ value }) => value),
    restarted.map(({ value }) => value),
    'both are as wanted',
  );
  t.notOk(wants[1]?.deferred);

  await write(root, knob, 'absent');
  t.notOk(existsSync(path));
  await write(root, knob, 'absent');
  t.match((await observe(root))[0], { value: 'absent' });
  await t.rejects(write(root, restarted[1]?.knob as Knob, 'x'), { code: 'unsupported' });
});

t.test('a file that somebody else wrote comes back to the byte', async (t) => {
  const before = process.env['TMPDIR'];
  // Each write waits for the disk, which others may be using; memory has none.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const contents = [
    '', '\n', '# "mine"\nGRUB_CMDLINE_LINUX_DEFAULT=""\n\n', 'no newline', 'content "x"\n', `${bootFileContent({ arguments: 'a', update: false })}\n`,
  ]; // prettier-ignore
  for (const content of contents) {
    const root = makeHost(t, { [bootFile]: content });
    const [reading] = await observe(root);
    t.not(reading?.value, 'absent');
    await write(root, reading?.knob as Knob, text);
    t.equal((await observe(root))[0]?.value, text);
    await write(root, reading?.knob as Knob, reading?.value as string);
    t.equal(readFileSync(join(root.path, bootFile), 'utf8'), content, JSON.stringify(content));
    t.equal((await observe(root))[0]?.value, reading?.value, 'and reads as before');
  }
  for (const update of [true, false])
    t.strictSame(parseBootFile(bootFileContent({ arguments: 'a=b c', update })), {
      arguments: 'a=b c',
      update,
    });
});

t.test('hosts that have no such boot loader', async (t) => {
  const bare = makeTree(t, { '/proc/cmdline': 'ro\n' });
  const [file] = await observe(bare);
  t.match(file, { unsupported: /configuration of its boot loader/ });
  t.match(kernelCommandLine.want(settings, await observe(bare), view)[1], { deferred: /its boot loader/ });
  t.match((await observe(makeTree(t, { '/usr/sbin/grubby': '' })))[0], {
    unsupported: /grubby --update-kernel=ALL/,
  });
  t.match((await observe(makeTree(t, {})))[1], { unsupported: 'there is no /proc/cmdline' });
  const made = makeTree(t, { '/usr/sbin/update-grub': '', '/etc/default/grub': '' });
  await write(made, (await observe(made))[0]?.knob as Knob, text);
  t.equal((await observe(made))[0]?.value, text, 'the directory is made where only update-grub is there');
  t.match((await observe(makeHost(t, { [bootFile]: 'x'.repeat(16_385) })))[0], {
    unsupported: /over 16384 bytes/,
  });
  const readOnly = makeHost(t);
  writeFileSync(join(readOnly.path, 'etc/default/blocked'), '');
  await t.rejects(readOnly.putFile('/etc/default/blocked/x', ''), {
    code: 'kernel-write-failed',
    message: /ENOTDIR/,
  });
});

t.test('update-grub where the profile says so', async (t) => {
  const root = makeHost(t);
  const program = join(root.path, '/usr/sbin/update-grub');
  mkdirSync(dirname(program), { recursive: true });
  const script = (body: string): void => {
    writeFileSync(program, `#!/bin/sh\n${body}\n`);
    chmodSync(program, 0o755);
  };
  const log = join(root.path, 'log');
  script(`if [ -e ${join(root.path, bootFile)} ]; then echo with; else echo without; fi >>${log}`);
  const updating = schema.parse({ ...settings, update_bootloader: true });
  const before = await observe(root);
  const [file] = kernelCommandLine.want(updating, before, view);
  t.match(file, { value: `${text} (with update-grub)`, remark: 'update-grub is run after it' });
  await write(root, file?.knob as Knob, file?.value as string);
  t.equal(readFileSync(log, 'utf8'), 'with\n');
  t.equal((await observe(root))[0]?.value, file?.value);

  script('echo "disk is full" >&2; exit 1');
  const content = readFileSync(join(root.path, bootFile), 'utf8');
  await t.rejects(write(root, file?.knob as Knob, 'absent'), {
    code: 'kernel-write-failed',
    message: /disk is full/,
  });
  t.equal(readFileSync(join(root.path, bootFile), 'utf8'), content, 'what failed is not half done');
  script('exec sleep 60');
  await t.rejects(putBootFile(root, undefined, true, { timeoutMs: 100 }), { message: /no end in 100 ms/ });
  script(`if [ -e ${join(root.path, bootFile)} ]; then echo with; else echo without; fi >>${log}`);
  await write(root, file?.knob as Knob, 'absent');
  t.equal(readFileSync(log, 'utf8'), 'with\nwithout\n', 'undoing runs it too');
});

t.test('update-grub never runs os-prober over the disks of guests', async (t) => {
  const prober = '/usr/bin/os-prober';
  const off = 'GRUB_DISABLE_OS_PROBER=true\n';
  const cases: [what: string, files: TreeFiles, isRefused: boolean][] = [
    ['not installed', {}, false],
    ['installed', { [prober]: '' }, true],
    ['switched off', { [prober]: '', '/etc/default/grub': `x=1\n${off}` }, false],
    ['quoted', { [prober]: '', '/etc/default/grub': 'export GRUB_DISABLE_OS_PROBER="true" # no\n' }, false],
    ['a comment', { [prober]: '', '/etc/default/grub': `#${off}` }, true],
    ['off in a file of the folder', { [prober]: '', '/etc/default/grub.d/60-x.cfg': off }, false],
    ['not a file that GRUB reads', { [prober]: '', '/etc/default/grub.d/60-x.cfg.old': off }, true],
    [
      'on again in a later file',
      {
        [prober]: '',
        '/etc/default/grub': off,
        '/etc/default/grub.d/60-x.cfg': 'GRUB_DISABLE_OS_PROBER=false\n',
      },
      true,
    ],
  ];
  const updating = schema.parse({ ...settings, update_bootloader: true });
  for (const [what, files, isRefused] of cases) {
    const root = makeHost(t, files);
    const program = join(root.path, '/usr/sbin/update-grub');
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    const readings = await observe(root);
    const [file] = kernelCommandLine.want(updating, readings, view);
    t.match(file?.held, isRefused ? /os-prober.*GRUB_DISABLE_OS_PROBER=true in/ : undefined, what);
    t.notOk(kernelCommandLine.want(settings, readings, view)[0]?.held, `${what}: the operator may run it`);
    const written = write(root, file?.knob as Knob, file?.value as string);
    if (!isRefused) await written;
    else
      await t.rejects(written, { code: 'failed-precondition', message: /GRUB_DISABLE_OS_PROBER=true/ }, what);
    t.equal(existsSync(join(root.path, bootFile)), !isRefused, `${what}: nothing is half done`);
  }
});

t.test('the kernel that runs here', async (t) => {
  const readings = await observe(new HostRoot('/'));
  const line = readings.find(({ knob }) => knob.setting === 'running kernel')?.value;
  t.equal(line, readFileSync('/proc/cmdline', 'utf8').trimEnd());
  const own = splitArguments(line ?? '').at(-1) as string;
  t.strictSame(missingArguments(line ?? '', [own]), [], `${own} is in force`);
  const [, running] = kernelCommandLine.want(schema.parse({ arguments: ['drover_test=1'] }), readings, view);
  t.match(running, { effect: 'host-reboot', deferred: /drover_test=1/ });
});
