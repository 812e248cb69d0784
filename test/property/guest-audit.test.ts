/** Whatever the four sources say: what an allocation stands for, and what Drover never placed, is never touched. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { deletedActions } from '../../proto/wire/guest-settings.js';
import { AuditBed, uuidOf } from '../support/audit-bed.js';

const guests = 6;
/** Guests 5 and 6 are nobody's: no metadata, no allocation ever. */
const strangers = new Set([5, 6]);

const flip = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('pass') },
    { weight: 2, arbitrary: fc.constantFrom('forget', 'remember', 'start') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'told',
        'libvirt',
        'processes',
        'ghost',
        'migrate',
        'stop',
        'restart',
        'pause',
      ),
    },
  ),
  who: fc.integer({ min: 1, max: guests }),
  action: fc.constantFrom(...deletedActions, ...(['shutdown', 'reap', 'reap', 'reap'] as const)),
});

const folder = mkdtempSync(join(tmpdir(), 'drover-audit-random-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
let beds = 0;
let deeds = 0;

async function turn(bed: AuditBed, what: string, who: number): Promise<void> {
  const { hypervisor } = bed;
  const state = await bed.stateOf(who);
  const isOn = state !== undefined && state !== 'shutoff';
  if (what === 'forget') bed.forget(who);
  if (what === 'remember' && !strangers.has(who))
    bed.allocations.set(uuidOf(who), { id: `allocation-${who}`, instanceUuid: uuidOf(who) });
  if (what === 'told') bed.isTold = !bed.isTold;
  if (what === 'libvirt') bed.isLibvirtThere = !bed.isLibvirtThere;
  if (what === 'processes') bed.hasProcesses = !bed.hasProcesses;
  if (what === 'ghost') bed.ghosts = [{ pid: 9_000 + who, uuid: uuidOf(who), name: 'ghost' }];
  if (what === 'migrate' && isOn) hypervisor.power.setMigrating(uuidOf(who), who % 2 === 0);
  if (what === 'stop' && isOn) await hypervisor.power.powerOff({ uuid: uuidOf(who) });
  if (what === 'start' && !isOn) await hypervisor.power.start(uuidOf(who), 1_000);
  if (what === 'pause' && isOn) await hypervisor.power.suspend({ uuid: uuidOf(who) });
  if (what === 'restart') await bed.restart();
}

t.test('nobody who is known, and no stranger, is touched', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 10, maxLength: 60 }), async (flips) => {
      const bed = await AuditBed.open(join(folder, `${beds++}`));
      for (let who = 1; who <= guests; who++) {
        if (strangers.has(who)) bed.start(who);
        else bed.place(who);
      }
      for (const { what, who, action } of flips) {
        if (what !== 'pass') {
          await turn(bed, what, who);
          continue;
        }
        const before = bed.acts.length;
        const wasTold = bed.isTold && bed.isLibvirtThere;
        await bed.pass(action, 60);
        const harm = bed.acts.slice(before).filter((act) => !act.startsWith('resume'));
        deeds += harm.length;
        for (const act of harm) {
          const whom = Number(act.split(' ')[1]);
          if (!wasTold || strangers.has(whom) || bed.allocations.has(uuidOf(whom)))
            throw new Error(`${act}, which nobody may touch`);
          if (action === 'log' || action === 'noop') throw new Error(`${act}, though only ${action}`);
        }
      }
    }),
    { numRuns: 150, seed: 20 },
  );
  t.ok(deeds > 100, `it was no idle walk: ${deeds} deeds`);
});
