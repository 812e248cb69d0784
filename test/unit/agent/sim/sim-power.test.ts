/** Simulated guests are turned off and on as real ones are. */
import t from 'tap';
import type { DomainEvent } from '../../../../agent/libvirt/hypervisor.js';
import { SimHypervisor, type SimDomainShape } from '../../../../agent/sim/sim-hypervisor.js';
import { shapeOf } from '../../../../agent/sim/sim-host.js';
import { buildTree } from '../../../../agent/sim/tree.js';
import type { SimManners } from '../../../../agent/sim/sim-power.js';
import { DroverError } from '../../../../proto/wire/errors.js';

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof DroverError ? error.code : String(error)),
  );

/** A host whose clock the test turns on. */
function bed() {
  const due: { readonly ms: number; readonly run: () => void }[] = [];
  let nowMs = 0;
  const hypervisor = new SimHypervisor(buildTree(shapeOf(1, 'boot')), 'v2', (ms, run) =>
    due.push({ ms: nowMs + ms, run }),
  );
  const told: string[] = [];
  hypervisor.onDomainEvent(({ name, kind, detail }: DomainEvent) => told.push(`${name} ${kind} ${detail}`));
  const advance = (ms: number): void => {
    nowMs += ms;
    for (const each of due.splice(0)) {
      if (each.ms <= nowMs) each.run();
      else due.push(each);
    }
  };
  const shape = (name: string, manners: SimManners = {}): SimDomainShape => ({
    ...{ uuid: `uuid-${name}`, name, vcpus: 1, memoryBytes: 2 ** 30, allocationId: '', manners },
  });
  const stateOf = async (name: string) =>
    (await hypervisor.domains()).find((domain) => domain.name === name)?.state;
  return { hypervisor, power: hypervisor.power, told, advance, shape, stateOf };
}

t.test('a guest stops after being asked unless it is deaf', async (t) => {
  const { hypervisor, power, told, advance, shape, stateOf } = bed();
  const ids = {
    good: hypervisor.start(shape('good', { stopMs: 300 })).id,
    deaf: hypervisor.start(shape('deaf', { deaf: true })).id,
    agent: hypervisor.start(shape('agent', { deaf: true, agent: true })).id,
  };
  t.equal(await stateOf('good'), 'running');
  told.length = 0;
  for (const name of ['good', 'deaf', 'agent'] as const)
    t.equal(await codeOf(power.askToShutDown({ uuid: `uuid-${name}`, id: ids[name] }, 'acpi')), 'ok');
  t.equal(
    await codeOf(power.askToShutDown({ uuid: 'uuid-deaf' }, 'agent')),
    'libvirt-failed',
    'it has no agent',
  );
  advance(299);
  t.same(told, []);
  advance(1);
  t.same(told, ['good stopped shutdown']);
  t.equal(await stateOf('good'), 'shutoff', 'its definition stays');
  const good = (await hypervisor.domains()).find(({ name }) => name === 'good');
  t.match(good, { id: -1, pid: undefined });
  await power.askToShutDown({ uuid: 'uuid-agent' }, 'agent');
  advance(0);
  t.equal(told.at(-1), 'agent stopped shutdown');
  t.equal(await codeOf(power.askToShutDown({ uuid: 'uuid-good' }, 'acpi')), 'libvirt-failed', 'it is off');
  await t.rejects(hypervisor.pinVcpu({ uuid: 'uuid-good' }, 0, [1]), { code: 'not-found' });

  t.equal(await codeOf(power.powerOff({ uuid: 'uuid-deaf', id: ids.deaf + 100 })), 'not-found');
  t.equal(await codeOf(power.powerOff({ uuid: 'uuid-deaf', id: ids.deaf })), 'ok');
  t.equal(told.at(-1), 'deaf stopped destroyed');
  t.equal(await codeOf(power.powerOff({ uuid: 'uuid-deaf', id: ids.deaf })), 'ok', 'it is off already');
  t.equal(await codeOf(power.powerOff({ uuid: 'uuid-nobody' })), 'ok');
});

t.test('a press that comes about after the guest was started anew does nothing', async (t) => {
  const { hypervisor, power, told, advance, shape } = bed();
  hypervisor.start(shape('vm', { stopMs: 100 }));
  await power.askToShutDown({ uuid: 'uuid-vm' }, 'acpi');
  await power.powerOff({ uuid: 'uuid-vm' });
  await power.start('uuid-vm', 1_000);
  advance(1_000);
  t.same(told, ['vm started booted', 'vm stopped destroyed', 'vm started booted']);
});

t.test('saved, started, transient, migrating', async (t) => {
  const { hypervisor, power, told, advance, shape, stateOf } = bed();
  const { id } = hypervisor.start(shape('vm', { startMs: 500 }));
  t.same([await power.isPersistent('uuid-vm'), await power.hasManagedSave('uuid-vm')], [true, false]);
  await power.managedSave({ uuid: 'uuid-vm', id }, 1_000);
  t.equal(await power.hasManagedSave('uuid-vm'), true);
  const starting = power.start('uuid-vm', 1_000);
  t.equal(await stateOf('vm'), 'shutoff', 'it takes its time');
  advance(500);
  await starting;
  t.same(told, ['vm started booted', 'vm stopped saved', 'vm started restored']);
  t.equal(await power.hasManagedSave('uuid-vm'), false);
  await power.powerOff({ uuid: 'uuid-vm' });
  t.equal(await codeOf(power.start('uuid-vm', 499)), 'deadline-exceeded');
  t.equal(await codeOf(power.start('uuid-nobody', 1)), 'not-found');
  t.equal(await codeOf(power.start('uuid-vm', 0)), 'invalid-argument');

  hypervisor.start(shape('t', { transient: true }));
  t.equal(await codeOf(power.start('uuid-t', 1)), 'already-exists');
  t.equal(await codeOf(power.managedSave({ uuid: 'uuid-t' }, 1)), 'libvirt-failed');
  t.equal(await power.isPersistent('uuid-t'), false);
  power.setMigrating('uuid-t', true);
  t.equal(await power.isMigrating({ uuid: 'uuid-t' }), true);
  power.setMigrating('uuid-t', false);
  t.equal(await power.isMigrating({ uuid: 'uuid-t' }), false);
  await power.askToShutDown({ uuid: 'uuid-t' }, 'acpi');
  advance(0);
  t.equal(await stateOf('t'), undefined, 'gone');

  hypervisor.define(shape('off'));
  t.equal(await stateOf('off'), 'shutoff');
  await power.start('uuid-off', 1_000);
  t.throws(() => hypervisor.define(shape('off')), { code: 'already-exists' });
  hypervisor.stop('uuid-off');
  t.equal(await stateOf('off'), undefined, 'stop forgets it');
});
