/** `drover token`: letting hosts in. */
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const options = {
  ttl: text({
    flags: '--ttl <seconds>',
    summary: 'how long the token can be used, 1 to 86400 (default: 600)',
  }),
  host: text({ flags: '--host <name>', summary: 'only the host of this name may use it' }),
} as const;

async function create({
  options: { ttl, host = '' },
  io,
  context,
  api,
}: Call<typeof options>): Promise<Result> {
  const { wholeNumber } = await import('../options.js');
  const { tokenView } = await import('../views/token.js');
  const { checkHostName } = await import('../../../proto/wire/names.js');
  const ttlSeconds = wholeNumber('--ttl', ttl, 1, 86_400) ?? 0;
  if (host !== '') checkHostName(host, '--host');
  const { enrolAddress } = await context();
  const message = await (await api()).call('Fleet', 'CreateJoinToken', { ttlSeconds, hostName: host });
  return { message, view: tokenView(message, host, enrolAddress, io.now()) };
}

export const token: NounCommand = {
  name: 'token',
  summary: 'Join tokens for hosts',
  commands: [
    leaf({
      name: 'create',
      summary: 'Make a join token that works once. It is shown here and nowhere else.',
      examples: ['drover token create', 'drover token create --host kvm-01.example.org --ttl 3600'],
      options,
      run: create,
    }),
  ],
};
