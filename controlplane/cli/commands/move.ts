/** `drover move`: taking an allocation to another host. */
import { leaf, text, type Call, type Result } from '../command.js';

const options = {
  to: text({ flags: '--to <host>', summary: 'this host, by name or id (default: the best other host)' }),
  reason: text({ flags: '--reason <text>', summary: 'why; told in the log' }),
  key: text({ flags: '--key <text>', summary: 'the same key again answers the same move' }),
} as const;

async function run({
  args: [allocationId = ''],
  options: given,
  io,
  api,
}: Call<typeof options>): Promise<Result> {
  const { allocationView } = await import('../views/allocations.js');
  const { unsure } = await import('../unsure.js');
  const idempotencyKey = given.key ?? io.newKey();
  const asked = { allocationId, host: given.to ?? '', reason: given.reason ?? '', idempotencyKey };
  const message = await (
    await api()
  )
    .call('Placement', 'Move', asked)
    .catch((thrown: unknown) => unsure(thrown, idempotencyKey, 'the move if it was made, and makes it'));
  const { allocation, fromHostName } = message;
  const remark = `Moved from ${fromHostName} to ${allocation?.hostName}.`;
  return { message, view: allocation ? allocationView(remark, allocation) : [] };
}

export const move = leaf({
  name: 'move',
  summary:
    'Take an allocation to another host, the best one or a named one. The domain itself is not touched.',
  args: [['<allocation>', 'id of the allocation']],
  examples: [
    'drover move 0192f3a1-7c44-7000-8000-00000000a001',
    'drover move 0192f3a1-7c44-7000-8000-00000000a001 --to kvm-02 --reason "fan replaced today"',
  ],
  options,
  run,
});
