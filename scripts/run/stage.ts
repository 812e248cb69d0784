/** What the parts of `make run` share: where things lie, what was started, how the control plane is asked. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Run } from '../hypervisor/command.js';
import type { RunningHypervisor } from '../hypervisor/hypervisor.js';
import type { Child } from './children.js';
import type { DemoDomain } from './demo-domain.js';
import { ask, type Asking } from './show.js';

/** What was started, to be stopped again. */
export interface Started {
  hypervisor?: RunningHypervisor;
  domain?: DemoDomain;
  allocationId?: string;
  controlplane?: Child;
  agent?: Child;
  sim?: Child;
}

export interface Stage extends Asking {
  readonly project: string;
  /** Everything that is written lies below it. */
  readonly state: string;
  readonly simulated: number;
  readonly run: Run;
  /** Of this host in the fleet. */
  readonly name: string;
  readonly started: Started;
}

export interface ListedHost {
  readonly name: string;
  readonly liveness: string;
  readonly tuning_state: string;
  readonly profile_name: string;
}

export async function listHosts(stage: Stage): Promise<ListedHost[]> {
  return (await ask<{ hosts: ListedHost[] }>(['host', 'list'], stage)).hosts;
}

/** The two programs that are started. */
export function program(stage: Stage, name: 'controlplane' | 'agent'): string {
  return join(stage.project, name === 'agent' ? 'build/agent/bin.cjs' : 'build/controlplane/bin.js');
}

/** The addresses that the control plane wrote. */
export function addresses(stage: Stage): { address: string; enrol_address: string } {
  return JSON.parse(readFileSync(stage.context, 'utf8')) as { address: string; enrol_address: string };
}

/** This machine's name as a host name of the fleet. */
export function localName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return name === '' || name === 'localhost' ? 'this-host' : name;
}
