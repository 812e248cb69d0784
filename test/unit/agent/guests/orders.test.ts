/** Orders of the control plane get their turns as they came, whatever the disk is busy with. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Stage } from '../../../../agent/guests/guest.js';
import { GuestOrders } from '../../../../agent/guests/orders.js';
import { steadyClock } from '../../../../agent/guests/stop/clock.js';
import type { GuestOrder } from '../../../../proto/gen/drover/v1/GuestOrder.js';
import { until } from '../../../support/poll.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const order = (id: string, kind: string, forId = ''): GuestOrder => ({
  ...{ id, kind, cause: 'maintenance', uuids: ['a'], forId },
});

/** Orders whose stages end at once; the file of stops takes as long as it is told to. */
function bedOf(stopFile: () => Promise<void>) {
  const begun: string[] = [];
  const answers: Stage[] = [];
  const stage = async ({ id }: { id: string }): Promise<Stage> => {
    begun.push(id);
    return {
      id,
      kind: 'stop',
      cause: 'command',
      state: 'done',
      startedMs: 1,
      endedMs: 2,
      waves: 0,
      message: '',
      guests: [],
    };
  };
  const none = { load: async () => undefined };
  const stop = { load: async () => stopFile().then(() => undefined) };
  const orders = new GuestOrders({
    stages: { stop: stage, start: stage, cancel: () => undefined, current: undefined },
    files: { stop, start: none, asked: none },
    answer: (answer) => void answers.push(answer),
    hypervisor: { domains: async () => [] },
    ...{ clock: steadyClock(), now: Date.now, log: quiet },
  });
  return { orders, begun, answers };
}

t.test('a start that came behind a stop does not overtake it while the file of stops is read', async (t) => {
  const { orders, begun } = bedOf(() => sleep(100));
  const taken = ['stop', 'start', 'stop', 'start'].map((kind, index) => orders.take(order(`${index}`, kind)));
  await Promise.all(taken);
  t.strictSame(begun, ['0', '1', '2', '3']);
});

t.test('a file that cannot be read fails its own order alone', async (t) => {
  const { orders, begun, answers } = bedOf(async () => {
    throw new Error('input/output error');
  });
  await Promise.all([orders.take(order('m', 'stop')), orders.take(order('later', 'start'))]);
  t.strictSame(begun, ['later']);
  t.match(answers, [{ id: 'm', state: 'failed', message: /input\/output error/ }]);
});

t.test('an order is cancelled while it waits for those before it to be looked up', async (t) => {
  const gate = { open: () => undefined as void };
  const { orders, begun, answers } = bedOf(() => new Promise((resolve) => (gate.open = resolve)));
  const taken = [orders.take(order('m', 'stop')), orders.take(order('later', 'start'))];
  await orders.take(order('', 'cancel', 'later'));
  await sleep(20);
  gate.open();
  await Promise.all(taken);
  await until(() => answers.length > 0, 1_000, 'it is told');
  t.strictSame(begun, ['m']);
  t.match(answers, [{ id: 'later', state: 'failed', message: /cancelled: the control plane says so/ }]);
});
