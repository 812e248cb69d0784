/** Every command, in the order in which help lists them. */
import type { LeafCommand, NounCommand } from '../command.js';
import { allocation } from './allocation.js';
import { completion } from './completion.js';
import { domain } from './domain.js';
import { explain } from './explain.js';
import { health } from './health.js';
import { host } from './host.js';
import { operation } from './operation.js';
import { place } from './place.js';
import { profile } from './profile.js';
import { token } from './token.js';

export const commands: readonly (NounCommand | LeafCommand)[] = [
  host,
  domain,
  place,
  allocation,
  profile,
  operation,
  health,
  token,
  explain,
  completion,
];
