/**
 * Keeps the guests of one host as its profile says: stops them before the host goes down, starts them after it came up, keeps
 * their ports, looks for those that nobody knows, and tells the control plane. Without a section `guests` it only notes who
 * runs.
 */
import { randomUUID } from 'node:crypto';
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { DomainEvent, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import { FindingsWatch, type FindingsOptions } from './findings-watch.js';
import type { Stage } from './guest.js';
import { askedAreGone } from './stop/asked-gone.js';
import type { Clock } from './stop/clock.js';
import { GuestOrders } from './orders.js';
import { OthersStage } from './others-stage.js';
import { guestOf } from './policy.js';
import type { GuestStages, StageFiles } from './stages.js';
import type { ShouldRun } from './start/should-run.js';
import { Teller } from './teller.js';

export interface KeeperOptions {
  readonly hypervisor: Pick<Hypervisor, 'domains' | 'reachable' | 'onReachable' | 'onDomainEvent'>;
  settings(): GuestSettings | undefined;
  makeStages(changed: () => void): GuestStages;
  readonly files: StageFiles;
  readonly clock: Clock;
  readonly shouldRun: ShouldRun;
  /** Ports, audit and preflight, where the host has them. */
  readonly looks: Omit<FindingsOptions, 'settings' | 'changed' | 'log'>;
  /** Holds logind's delay lock while guests are to be stopped; answers how to let go. */
  guard?(handlers: { goDown(): Promise<void>; stayUp(): void }): { stop(): Promise<void> };
  /** Whether this host goes down, also where logind was not asked. Errors: nobody knows. */
  goesDown?(): Promise<boolean>;
  say(report: GuestReportInput): void;
  /** The living process that owns the guest stage; absent: no other process stops or starts guests here. */
  stageOwner?(): number | undefined;
  /** Follows files that other processes write; answers how to stop. */
  followFiles?(files: readonly string[], changed: () => void): () => void;
  /** See `defaultAskMs`. */
  readonly askEveryMs?: number;
  now(): number;
  readonly log: Log;
}

/** From one question whether the host goes down to the next, while guests are stopped or started. */
const defaultAskMs = 5_000;

/** How long a look for other owners may take when the host goes down. */
const ownerMs = 10_000;

export class GuestKeeper {
  readonly stages: GuestStages;
  readonly #options: KeeperOptions;
  readonly #orders: GuestOrders;
  readonly #looks: FindingsWatch;
  readonly #teller: Teller;
  readonly #others: OthersStage;
  readonly #stops: (() => void)[] = [];
  #guard: { stop(): Promise<void> } | undefined;
  /** Of what logind and systemd say: an answer to an older word changes nothing. */
  #word = 0;
  #goingDown: Promise<void> | undefined;
  #isAsking = false;
  #wasOn = false;
  #isReconciled = false;

  constructor(options: KeeperOptions) {
    const { files, now, log } = options;
    this.#options = options;
    this.#teller = new Teller({
      ...options,
      parts: () => ({ stage: this.stages.current, ...this.#looks.findings }),
    });
    const changed = (): void => this.#teller.changed();
    this.stages = options.makeStages(changed);
    this.#looks = new FindingsWatch({ ...options.looks, settings: () => options.settings(), changed, log });
    this.#others = new OthersStage({
      files: [files.stop, files.start],
      isOwn: (id) => this.stages.current?.id === id,
      owner: () => options.stageOwner?.(),
      found: (stage) => this.#teller.remember(stage),
      now,
    });
    const answer = (stage: Stage): void => this.#teller.answer(stage);
    this.#orders = new GuestOrders({ ...options, stages: this.stages, files, answer, now, log });
  }

  /** Takes up what ran before, and follows the host from now on. */
  async start(): Promise<void> {
    const { hypervisor, files, followFiles, askEveryMs: askMs = defaultAskMs } = this.#options;
    await this.#others.look();
    const look = (): void => void this.#others.look();
    const paths = [files.stop.path, files.start.path];
    if (followFiles) this.#stops.push(followFiles(paths, look));
    this.#stops.push(hypervisor.onDomainEvent((event) => this.#heard(event)));
    this.#stops.push(hypervisor.onReachable((isUp) => void (isUp && this.#takeUp())));
    this.#looks.start();
    const timer = setInterval(() => {
      this.#askWhileStage();
      if (this.#others.isRunning) look(); // its owner may have been killed
    }, askMs).unref();
    this.#stops.push(() => clearInterval(timer));
    this.settingsChanged();
    await this.#takeUp();
  }

  /** Stops following; changes nothing on the host. A stage that runs ends as cut off, and those asked stay asked. */
  async stop(): Promise<void> {
    for (const end of this.#stops) end();
    this.#looks.stop();
    this.#teller.stop();
    this.#word++;
    this.stages.leave();
    await this.#guard?.stop();
    await this.stages.idle();
    await this.#options.shouldRun.close();
  }

  /** Another desired state is in force. */
  settingsChanged(): void {
    const isOn = this.#options.settings() !== undefined;
    if (isOn === this.#wasOn) return;
    this.#wasOn = isOn;
    if (isOn)
      this.#guard = this.#options.guard?.({ goDown: () => this.#goDown(), stayUp: () => this.#stayUp() });
    else this.#unguard();
    void this.#looks.settingsChanged();
  }

  /** A stage that runs goes on as its profile said, and the host waits for its end. */
  #unguard(): void {
    const guard = this.#guard;
    this.#guard = undefined;
    void this.stages.idle().then(() => guard?.stop());
  }

  order(order: GuestOrder): void {
    void this.#orders.take(order);
  }

  /** The control plane knows nothing of this host: everything is told again. */
  tellAll(): void {
    this.#teller.tellAll();
  }

  /** A guest that stops may be the first to tell that the host goes down: then it should run again all the same. */
  #heard(event: DomainEvent): void {
    const { shouldRun, goesDown } = this.#options;
    shouldRun.heard(event);
    if (event.kind !== 'stopped' || !goesDown || this.#isAsking) return;
    this.#isAsking = true;
    void this.#isGoingDown().then((isSo) => {
      this.#isAsking = false;
      return isSo ? shouldRun.freeze() : undefined;
    });
  }

  /** Once libvirt answers: who should run, and after a boot whoever ran runs again. */
  async #takeUp(): Promise<void> {
    const { hypervisor, shouldRun, log } = this.#options;
    if (!hypervisor.reachable) return;
    try {
      await shouldRun.reconcile(await hypervisor.domains());
      if (this.#isReconciled) return;
      this.#isReconciled = true;
      void this.#resume().catch((error: Error) => log.warn({ error: error.message }, 'guests not resumed'));
    } catch (thrown) {
      log.warn(
        { error: asDroverError(thrown).message },
        'domains not listed: who should run is not known yet',
      );
    }
  }

  /** Guests that ran before the host went down, where the profile says so. An agent that came amid a shutdown starts nobody. */
  async #resume(): Promise<void> {
    const { settings, shouldRun, hypervisor, log } = this.#options;
    const held = new Set(shouldRun.held.map(({ uuid }) => uuid));
    const now = settings();
    if (held.size === 0 || !now || (await this.#isGoingDown())) return;
    const isOn = now.start.resume_guests_state_on_host_boot;
    const known = (await hypervisor.domains()).filter(({ uuid }) => held.has(uuid));
    const wanted = known
      .filter((domain) => isOn && guestOf(domain, now).policy.resume)
      .map(({ uuid }) => uuid);
    await shouldRun.forget([...held].filter((uuid) => !wanted.includes(uuid)));
    if (wanted.length === 0) return;
    log.info({ guests: wanted.length }, 'guests that ran before the host went down are started');
    await this.stages.start({ id: randomUUID(), cause: 'boot', uuids: async () => wanted });
  }

  /** Nobody knows: it does not. */
  async #isGoingDown(): Promise<boolean> {
    return (await this.#options.goesDown?.().catch(() => false)) ?? false;
  }

  /** A shutdown that logind was not asked for is not announced: a stage that runs would go on against it. */
  #askWhileStage(): void {
    const { current } = this.stages;
    if (!current || current.endedMs > 0 || current.cause === 'host-shutdown' || this.#goingDown) return;
    const word = this.#word;
    void this.#isGoingDown()
      .then((isSo) => (isSo && word === this.#word ? this.#goDown() : undefined))
      .catch((error: Error) => this.#options.log.warn({ error: error.message }, 'the guest stage failed'));
  }

  /** The host goes down: one stage, whoever says so. */
  #goDown(): Promise<void> {
    if (this.#goingDown) return this.#goingDown;
    const mine = this.#stopAll(++this.#word).finally(() => {
      if (this.#goingDown === mine) this.#goingDown = undefined;
    });
    this.#goingDown = mine;
    return mine;
  }

  /** Where another owner stops guests, Drover does not. */
  async #stopAll(word: number): Promise<void> {
    const { shouldRun, settings, log } = this.#options;
    shouldRun.freeze();
    const other = await this.#within(ownerMs, this.#looks.otherOwner());
    if (word !== this.#word) return; // it stays up after all
    if (!settings() || other) {
      this.stages.cancel('the host goes down');
      log.warn({ reason: other ?? 'no section guests' }, 'guests are left to others');
      return;
    }
    await this.stages.stop({ id: randomUUID(), cause: 'host-shutdown' });
  }

  /** It does not go down. Guests that were asked already end all the same, and then run again like those that are off. */
  #stayUp(): void {
    const { shouldRun, hypervisor, clock, log } = this.#options;
    const word = ++this.#word;
    this.#goingDown = undefined;
    this.stages.cancel('the host stays up after all');
    const back = async (): Promise<void> => {
      await this.stages.idle();
      const isOver = (): boolean => word !== this.#word;
      await askedAreGone(this.stages.current ?? { guests: [] }, { hypervisor, clock, isOver });
      if (word !== this.#word) return;
      shouldRun.thaw();
      await shouldRun.reconcile(await hypervisor.domains());
      await this.#resume();
    };
    void back().catch((error: Error) => log.warn({ error: error.message }, 'guests not started again'));
  }

  /** Undefined where it takes longer: systemd may be silent, and the host goes down all the same. */
  #within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
    return Promise.race([work, this.#options.clock.sleep(ms).then(() => undefined)]);
  }
}
