/**
 * Ordered stops of real KVM guests: three waves with one that is deaf, one that obeys and one that takes its time; a stage
 * that is cut off and gone on with from disk; a libvirtd that is killed meanwhile. Order and times are those of libvirt's own
 * events. Runs itself again with as many pool threads as the agent has.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import tap, { type Test } from 'tap';
import type { Stage } from '../../agent/guests/guest.js';
import { steadyClock } from '../../agent/guests/stop/clock.js';
import { describePlan } from '../../agent/guests/stop/describe.js';
import { planStop } from '../../agent/guests/stop/plan.js';
import { runStop, type StopEnd, type StopOptions } from '../../agent/guests/stop/run.js';
import { StageFile } from '../../agent/guests/stop/stage-file.js';
import { activeGuests, type StopGuest } from '../../agent/guests/stop/stop-guest.js';
import type { GuestPower, Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { guestsSection } from '../../proto/wire/guest-settings.js';
import { turnsAddress } from '../../scripts/hypervisor/obedient-guest.js';
import {
  type GuestOptions,
  type SampleGuest,
  writeGuestImage,
} from '../../scripts/hypervisor/sample-guest.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const threads = '48';
const clock = steadyClock();
const settings = guestsSection.parse({ stop: { parallel: 4, grace_seconds: 30, ask: ['acpi'] } });

/** `order="…"` and so on, as an operator writes it into a domain. */
function words(attributes: string): string {
  return `<metadata><drover:guest xmlns:drover="https://drover.dev/xmlns/1" ${attributes}/></metadata>`;
}

interface Happened {
  readonly uuid: string;
  /** `asked`, `stopped shutdown`, … */
  readonly what: string;
  readonly ms: number;
}

/** Some domains of a hypervisor, and what happens to them. */
class Watched {
  readonly happened: Happened[] = [];
  readonly stages: Stage[] = [];
  readonly #hypervisor: Hypervisor;
  readonly #power: GuestPower;

  constructor(hypervisor: Hypervisor) {
    this.#hypervisor = hypervisor;
    if (!hypervisor.power) throw new Error('a real hypervisor has power');
    this.#power = hypervisor.power;
    hypervisor.onDomainEvent(({ uuid, kind, detail }) => {
      if (kind === 'stopped') this.#note(uuid, `stopped ${detail}`);
    });
  }

  #note(uuid: string, what: string): void {
    this.happened.push({ uuid, what, ms: clock.now() });
  }

  at(uuid: string, what: string): number {
    return this.happened.find((one) => one.uuid === uuid && one.what === what)?.ms ?? Number.NaN;
  }

  running = async (): Promise<StopGuest[]> => activeGuests(await this.#hypervisor.domains(), settings);

  /** A stop of all of them; what is taken by libvirt is noted. */
  async stop(t: Test, more: Partial<StopOptions> = {}): Promise<StopEnd> {
    const plan = planStop(await this.running(), settings.stop, 300_000);
    for (const line of describePlan(plan)) t.comment(line);
    const power = this.#power;
    const askToShutDown: GuestPower['askToShutDown'] = async (domain, way) => {
      await power.askToShutDown(domain, way);
      this.#note(domain.uuid, 'asked');
    };
    return runStop({
      ...{ id: 'stop', cause: 'command', plan, clock, running: this.running },
      power: {
        askToShutDown,
        managedSave: (...words_) => power.managedSave(...words_),
        powerOff: (domain) => power.powerOff(domain),
      },
      onDomainEvent: (listener) => this.#hypervisor.onDomainEvent(listener),
      onStage: (stage) => this.stages.push(stage),
      ...more,
    });
  }
}

/** A libvirtd of its own, its guests, and the agent's hypervisor over it. */
class Bed {
  readonly host: PrivateLibvirtd;
  readonly hypervisor: Hypervisor;
  readonly watched: Watched;

  private constructor(host: PrivateLibvirtd, hypervisor: Hypervisor) {
    this.host = host;
    this.hypervisor = hypervisor;
    this.watched = new Watched(hypervisor);
  }

  static async open(t: Test): Promise<Bed> {
    const host = await PrivateLibvirtd.launch();
    t.teardown(() => host.close());
    const { uri, pidDirectory } = host;
    const hypervisor = await openHypervisor({ uri, pidDirectory, deadlineMs: 5_000 });
    t.teardown(() => hypervisor.close());
    await until(() => hypervisor.reachable, 20_000, 'libvirtd was not found');
    return new Bed(host, hypervisor);
  }

  name(label: string): string {
    return `drover-stop-${process.pid}-${label}`;
  }

  /** A guest that runs; `attributes` are its words for Drover. Answers its UUID. */
  async start(
    label: string,
    guest: SampleGuest,
    attributes: string,
    options?: GuestOptions,
  ): Promise<string> {
    const name = this.name(label);
    const uuid = await this.host.define(name, `${words(attributes)}<features><acpi/></features>`, 1);
    await writeGuestImage(this.host.bootDisk(name), guest, options);
    await this.host.virsh('start', name);
    return uuid;
  }

  /** Done when an obedient guest listens for its power button. */
  async listening(label: string): Promise<void> {
    const ask = ['qemu-monitor-command', '--hmp', this.name(label), `xp /1dw ${turnsAddress}`];
    const turns = async () => Number(/: *(\d+)/.exec(await this.host.virsh(...ask))?.[1] ?? 0);
    // Seldom: on a busy machine each look takes the processor from the guest that boots.
    const isThere = async () => (await turns()) > 0 || (await sleep(500), false);
    await until(isThere, 100_000, `${label} did not boot`);
  }
}

async function main(t: Test): Promise<void> {
  const bed = await Bed.open(t);
  const { watched, host } = bed;

  await t.test('three waves in order, each guest with its own grace', async (t) => {
    const db = await bed.start('db', 'slow', 'order="10"', { slowSeconds: 3 });
    const app = await bed.start('app', 'obedient', 'order="20"');
    await bed.listening('db');
    await bed.listening('app');
    const needy = `order="20" after="${bed.name('app')}" then="managed-save" grace_seconds="1"`;
    const saved = await bed.start('saved', 'idle', needy);
    const web = await bed.start('web', 'idle', 'order="30" grace_seconds="2"');

    const beganMs = clock.now();
    const { stage, remained } = await watched.stop(t);
    const off = {
      web: watched.at(web, 'stopped destroyed'),
      saved: watched.at(saved, 'stopped saved'),
      app: watched.at(app, 'stopped shutdown'),
      db: watched.at(db, 'stopped shutdown'),
    };
    for (const [name, ms] of Object.entries(off))
      t.comment(`${name} off after ${(ms - beganMs).toFixed(0)} ms`);
    t.match(stage, { state: 'done', waves: 4, message: '4 stopped' });
    t.same(remained, []);
    const asked = (uuid: string): number => watched.at(uuid, 'asked');
    t.ok(off.web - asked(web) >= 2_000, 'the deaf one had its grace');
    t.ok(off.web - asked(web) < 2_000 + 15_000, 'and no more than that and the time of a power-off');
    t.ok(off.web < asked(saved), 'the first wave had ended before the second began');
    t.ok(off.saved - asked(saved) >= 1_000, 'nobody is saved before the grace ends either');
    t.ok(off.saved < asked(app) && off.app < asked(db), 'needs and numbers are kept');
    t.ok(off.db - asked(db) >= 2_500, 'the slow one took its time');
    t.equal(await host.virsh('domstate', '--reason', bed.name('saved')), 'shut off (saved)');
    const states = watched.stages.map(({ guests }) => guests.find(({ uuid }) => uuid === web)?.state);
    t.same([...new Set(states)], ['waiting', 'asked', 'powering-off', 'stopped']);
  });

  await t.test('cut off, and gone on with by another from what is on disk: one grace, not two', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-guest-stop-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const open = (): StageFile =>
      new StageFile({
        file: join(directory, 'guest-stop.json'),
        bootId: 'boot',
        clock,
        monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
      });
    const deaf = await bed.start('cut', 'busy', 'grace_seconds="6"');
    const first = open();
    const cut = new AbortController();
    const onStage = (stage: Stage) => {
      first.put(stage);
      if (stage.guests.some(({ state }) => state === 'asked'))
        setTimeout(() => cut.abort('the agent ends'), 1_500);
    };
    const end = await watched.stop(t, { signal: cut.signal, onStage });
    await first.flush();
    t.match(end.stage, { state: 'cut-off', message: /the agent ends/ });
    t.equal(await host.virsh('domstate', bed.name('cut')), 'running', 'left as it is');

    const kept = await open().load();
    t.equal(kept?.isOfThisBoot, true);
    const stages: Stage[] = [];
    const again = await watched.stop(t, { earlier: kept?.stage, onStage: (stage) => stages.push(stage) });
    t.match(again.stage, { state: 'done' });
    const asked = [end.stage, ...stages].flatMap(({ guests }) =>
      guests.filter(({ state }) => state === 'asked'),
    );
    t.ok(asked.length > 1);
    const [before, ...after] = asked.map(({ sinceMs }) => sinceMs);
    for (const sinceMs of after)
      t.ok(Math.abs(sinceMs - (before ?? 0)) < 50, 'the grace of the first asking');
    const graceMs = watched.at(deaf, 'stopped destroyed') - watched.at(deaf, 'asked');
    t.comment(`off ${graceMs.toFixed(0)} ms after it was asked first`);
    t.ok(graceMs >= 6_000, 'and all of it');
  });
}

async function killed(t: Test): Promise<void> {
  const bed = await Bed.open(t);
  const { watched, host, hypervisor } = bed;
  const uuid = await bed.start('killed', 'idle', 'grace_seconds="3"');
  const pid = host.qemuPid(bed.name('killed'));
  const running = watched.running;
  let isKilled = false;
  const stopping = watched.stop(t, {
    running: async () => {
      if (!isKilled) await host.kill(); // between the plan and the first asking
      isKilled = true;
      return running();
    },
  });
  await until(() => isKilled && !hypervisor.reachable, 20_000, 'the loss was not noticed');
  await sleep(1_000);
  t.notOk(
    watched.stages.some(({ guests }) => guests[0]?.state === 'stopped'),
    'not answered is not stopped',
  );
  t.doesNotThrow(() => process.kill(pid, 0), 'its QEMU runs');
  await host.start();
  const { stage } = await stopping;
  t.match(stage, { state: 'done', message: '1 stopped' });
  t.throws(() => process.kill(pid, 0), 'its QEMU is gone');
  const graceMs = watched.at(uuid, 'stopped destroyed') - watched.at(uuid, 'asked');
  t.ok(graceMs >= 3_000, `whole grace after libvirtd was back: ${graceMs.toFixed(0)} ms`);
}

tap.setTimeout(240_000);
const why = privateLibvirtdMissing();
const environment = { ...process.env, UV_THREADPOOL_SIZE: threads };
if (why !== undefined) tap.test('ordered stop of guests', { skip: why }, () => undefined);
else if (process.env['UV_THREADPOOL_SIZE'] === threads) {
  await tap.test('ordered stop of guests', { timeout: 170_000 }, main);
  await tap.test('libvirtd is killed meanwhile', { timeout: 60_000 }, killed);
} else
  await tap.spawn(
    process.execPath,
    [fileURLToPath(import.meta.url)],
    { env: environment, timeout: 235_000 },
    `with ${threads} pool threads`,
  );
