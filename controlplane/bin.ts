#!/usr/bin/env -S node --expose-gc --max-semi-space-size=8
/** drover-controlplane: reads the command line and the environment, and nothing else in `controlplane/` but the CLI does. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { pino } from 'pino';
import { certificatePem } from '../proto/wire/csr.js';
import { asDroverError, DroverError, exitCodes } from '../proto/wire/errors.js';
import { checkConfig, loadConfig, type ControlPlaneConfig } from './config.js';
import { startControlPlane, type ControlPlane, type Log } from './main.js';
import { openAuthority } from './security/authority.js';
import { issueWithKey } from './security/certificates.js';

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP

const defaultConfig = '/etc/drover/controlplane.yaml';
const operatorLifetimeMs = 90 * 86_400_000;

interface RunOptions {
  config: string;
  context?: string;
  checkConfig?: boolean;
  anyPort?: boolean;
}

const program = new Command('drover-controlplane')
  .description('Places virtual machines, holds profiles, watches hosts.')
  .exitOverride();
program
  .command('run')
  .description('serve until stopped')
  .option('--config <file>', 'configuration file', defaultConfig)
  .option('--context <file>', 'write a context file with an operator certificate for `drover` there')
  .option('--any-port', 'take free ports where the configured ones are in use')
  .option('--check-config', 'check the configuration and end')
  .action(run);
program
  .command('operator')
  .description('issue an operator certificate and a context file for `drover`')
  .requiredOption('--context <file>', 'file to write; key and certificate are written beside it')
  .requiredOption('--address <host:port>', 'API of the control plane')
  .requiredOption('--enrol-address <host:port>', 'its enrolment')
  .option('--name <name>', 'who it is for', 'operator')
  .option('--config <file>', 'configuration file', defaultConfig)
  .action(
    async (options: {
      context: string;
      address: string;
      enrolAddress: string;
      name: string;
      config: string;
    }) => {
      const config = configOf(options.config);
      await writeContext(options.context, {
        apiAddress: options.address,
        enrolAddress: options.enrolAddress,
        config,
        name: options.name,
      });
    },
  );

try {
  await program.parseAsync(process.argv);
} catch (thrown) {
  process.exitCode = complain(thrown);
}

async function run(options: RunOptions): Promise<void> {
  const config = configOf(options.config);
  if (options.checkConfig) return;
  const log = pino({ level: process.env['DROVER_LOG_LEVEL'] ?? config.log_level, base: null });
  const controlPlane = await start(config, options.anyPort === true, log);
  if (options.context !== undefined)
    await writeContext(options.context, { ...controlPlane, config, name: 'operator' });
  log.info({ api: controlPlane.apiAddress, enrol: controlPlane.enrolAddress }, 'serving');
  const end = (exit: number): void => void controlPlane.close().then(() => process.exit(exit));
  process.once('SIGTERM', () => end(exitCodes.ok));
  process.once('SIGINT', () => end(exitCodes.ok));
  void controlPlane.failed.then(() => end(exitCodes.failed)); // systemd starts it again, and it loads what is stored
}

/** With `anyPort`, ports that are in use are no error: the kernel picks others. */
async function start(config: ControlPlaneConfig, anyPort: boolean, log: Log): Promise<ControlPlane> {
  try {
    return await startControlPlane(config, log);
  } catch (thrown) {
    if (!anyPort || !(thrown instanceof DroverError) || thrown.field !== 'listen') throw thrown;
    const free = (address: string): string => address.replace(/\d+$/, '0');
    return startControlPlane(
      { ...config, listen: free(config.listen), enrol_listen: free(config.enrol_listen) },
      log,
    );
  }
}

function configOf(file: string): ControlPlaneConfig {
  return file === defaultConfig && !existsSync(file) ? checkConfig({}, file) : loadConfig(file);
}

interface ContextParts {
  readonly apiAddress: string;
  readonly enrolAddress: string;
  readonly config: ControlPlaneConfig;
  readonly name: string;
}

/** Writes key, certificate, authority and context file. The context comes last and by rename: whoever sees it finds the rest. */
async function writeContext(
  file: string,
  { apiAddress, enrolAddress, config, name }: ContextParts,
): Promise<void> {
  const authority = await openAuthority(join(config.state_directory, 'authority'), Date.now());
  const issued = await issueWithKey(
    authority,
    { name, role: 'operator' },
    { nowMs: Date.now(), lifetimeMs: operatorLifetimeMs },
  );
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${name}-key.pem`), issued.keyPem, { mode: 0o600 });
  writeFileSync(join(folder, `${name}.pem`), certificatePem(issued.certificateDer));
  writeFileSync(join(folder, 'authority.pem'), authority.certificatePem);
  const context = {
    address: apiAddress,
    enrol_address: enrolAddress,
    authority: 'authority.pem',
    certificate: `${name}.pem`,
    key: `${name}-key.pem`,
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(context, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function complain(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const error = asDroverError(thrown);
  process.stderr.write(`drover-controlplane: ${error.message}\n`);
  return error.kind.exit;
}
