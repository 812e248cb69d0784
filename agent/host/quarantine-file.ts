/** Where the audit notes whom it suspended. Apart from the audit itself, which costs memory that few agents need. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** In the agent's state directory. */
export function quarantineFile(stateDirectory: string): string {
  return join(stateDirectory, 'quarantine.json');
}

/** Somebody is suspended by the audit: without any, there is no file. */
export function hasQuarantine(stateDirectory: string): boolean {
  return existsSync(quarantineFile(stateDirectory));
}
