#!/usr/bin/env node
/** `drover`: the only file that knows the process. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './main.js';

/** From the package: this file is `build/controlplane/cli/bin.js` there. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

// Deprecations are for developers, and grpc-js causes one (DEP0123) whenever the control plane's address is an IP address.
process.noDeprecation = true;

// Set, not called: what is written still goes out, and only then the process ends.
process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  systemDirectory: '/etc/drover',
  version: version(),
  now: Date.now,
  sleep,
  newKey: randomUUID,
});
