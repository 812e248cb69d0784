/** `drover operation`: asking one host to plan or verify. */
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';
import { startOptions, type StartCall } from '../operation-options.js';

const listOptions = {
  host: text({ flags: '--host <host>', summary: 'only operations of this host, by name or id' }),
} as const;

async function start(call: StartCall): Promise<Result> {
  const { runOperation, exitOf } = await import('../run-operation.js');
  const { operationView } = await import('../views/operations.js');
  const message = await runOperation(call);
  return { message, view: operationView(message), exit: exitOf(message) };
}

async function listOperations({
  options: { host = '' },
  io,
  api,
}: Call<typeof listOptions>): Promise<Result> {
  const { operationsView } = await import('../views/operations.js');
  const message = await (await api()).call('Operations', 'ListOperations', { host });
  return {
    message,
    view: operationsView(message.operations, io.now()),
    ...(message.operations.length === 0 ? { note: 'No operations.' } : {}),
  };
}

export const operation: NounCommand = {
  name: 'operation',
  summary: 'Operations: plan or verify on a host, without changing it',
  commands: [
    leaf({
      name: 'start',
      summary:
        'Ask a host what it would change (plan), or whether every setting is as it should be (verify), and wait for the result. Exit 2 when settings differ.',
      args: [
        ['<kind>', 'plan or verify', ['plan', 'verify']],
        ['<host>', 'name or id of the host'],
      ],
      examples: [
        'drover operation start plan kvm-01',
        'drover operation start plan kvm-01 --profile ksm.yaml',
        'drover operation start verify kvm-01',
      ],
      options: startOptions,
      run: start,
    }),
    leaf({
      name: 'list',
      summary: 'List operations, newest first.',
      examples: ['drover operation list', 'drover operation list --host kvm-01'],
      options: listOptions,
      run: listOperations,
    }),
  ],
};
