/**
 * `drover-agent stop-guests` asks real Debian guests by their guest agent: one that answers goes through its own systemd's
 * shutdown, and one whose agent hangs or does not run is asked by the power button at once. libvirt's state, the guest's own
 * serial line and the command's words say what happened.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { givenTime } from '../support/given-time.js';
import { LinuxGuest } from '../support/linux-guest.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';
import { rootImage } from '../vm/root-image.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const bin = join(project, 'build/agent/bin.cjs');
const run = promisify(execFile);
const graceSeconds = 120;
/** systemd's last target, then the kernel's last line. */
const ownShutdown = /Reached target poweroff\.target[^]*reboot: Power down/;

type Ways = readonly ('agent' | 'acpi')[];

interface Stopped {
  readonly output: string;
  /** From the start of the command to its end, by the time that the machine had. */
  readonly ms: number;
}

/** A libvirtd of the test's own, a guest on it, and the agent's command over both. */
class Bed {
  readonly guest: LinuxGuest;
  readonly #libvirtd: PrivateLibvirtd;
  readonly #folder: string;

  private constructor(guest: LinuxGuest, libvirtd: PrivateLibvirtd, folder: string) {
    this.guest = guest;
    this.#libvirtd = libvirtd;
    this.#folder = folder;
  }

  static async open(t: Test): Promise<Bed> {
    const folder = mkdtempSync(join(tmpdir(), 'drover-guest-agent-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const image = await rootImage(project);
    const libvirtd = await PrivateLibvirtd.launch();
    t.teardown(() => libvirtd.close());
    const guest = await LinuxGuest.define(libvirtd, `drover-agent-${process.pid}`, image);
    t.teardown(() => guest.remove());
    t.teardown(() => (t.passing() ? undefined : t.comment(guest.serial().slice(-3_000))));
    return new Bed(guest, libvirtd, folder);
  }

  /** The command as an operator runs it, with a profile that asks by these ways. */
  async stop(ask: Ways): Promise<Stopped> {
    const { uri, pidDirectory, directory } = this.#libvirtd;
    const config = this.#write('agent.yaml', {
      ...{ host_name: 'guest-agent', state_directory: join(this.#folder, 'state') },
      ...{ libvirt_uri: uri, libvirt_pid_directory: pidDirectory, image_directory: directory },
    });
    const guests = { stop: { ask, grace_seconds: graceSeconds } };
    const profile = this.#write('profile.json', { name: 'guests', tuners: {}, guests });
    const given = givenTime();
    const words = [bin, 'stop-guests', '--config', config, '--profile', profile];
    const { stdout } = await run(process.execPath, words, { timeout: 200_000 });
    return { output: stdout, ms: given() };
  }

  #write(name: string, content: object): string {
    const file = join(this.#folder, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  }
}

/** It was asked, and went down by itself long before anybody would have powered it off. */
async function wentByItself(t: Test, { guest }: Bed, { output, ms }: Stopped): Promise<void> {
  t.comment(`${(ms / 1000).toFixed(1)} s: ${output.trim().replaceAll('\n', ' | ')}`);
  t.match(output, `${guest.name}: asked (`, 'it was asked');
  t.match(output, `${guest.name}: stopped (shutdown)`, 'libvirt told of a shutdown');
  t.notMatch(output, 'powering-off', 'and nobody powered it off');
  t.match(output, 'stop done: 1 stopped');
  t.equal(await guest.state(), 'shut off (shutdown)', 'libvirt still says so');
  t.ok(ownShutdown.test(guest.serial()), 'its own systemd and its kernel switched it off');
  t.ok(ms < (graceSeconds * 1000) / 2, 'in less than half its grace: no way waited for its share');
}

t.setTimeout(420_000);
const skip = privateLibvirtdMissing() ?? false;
t.test('a guest is asked by its agent', { skip, timeout: 400_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { guest } = bed;
  const given = givenTime();
  await guest.boot();
  t.comment(`booted in ${(given() / 1000).toFixed(1)} s`);

  await t.test('an agent that answers, and no other way', async (t) => {
    const stopped = await bed.stop(['agent']);
    t.match(
      stopped.output,
      'asked (asked by agent)',
      'also where that is known late: when systemd ends the agent',
    );
    await wentByItself(t, bed, stopped);
  });

  await t.test('an agent that hangs: the next way at once', async (t) => {
    await guest.bringBack();
    await guest.begin('pkill -STOP -x qemu-ga && echo the agent hangs >/dev/console');
    await guest.says(/the agent hangs/);
    const stopped = await bed.stop(['agent', 'acpi']);
    t.match(stopped.output, 'asked (asked by acpi)', 'by its power button');
    await wentByItself(t, bed, stopped);
  });

  await t.test('an agent that does not run: the next way at once', async (t) => {
    await guest.bringBack();
    await guest.begin('rm /usr/sbin/qemu-ga && pkill -KILL -x qemu-ga');
    await until(async () => !(await guest.agentAnswers()), 60_000, 'the agent still answers');
    const stopped = await bed.stop(['agent', 'acpi']);
    t.match(stopped.output, 'asked (asked by acpi)', 'by its power button');
    await wentByItself(t, bed, stopped);
  });
});
