/** Every command, in the order in which help lists them. */
import type { LeafCommand, NounCommand } from '../command.js';
import { aggregate } from './aggregate.js';
import { allocation } from './allocation.js';
import { completion } from './completion.js';
import { domain } from './domain.js';
import { explain } from './explain.js';
import { flavor } from './flavor.js';
import { group } from './group.js';
import { health } from './health.js';
import { host } from './host.js';
import { move } from './move.js';
import { operation } from './operation.js';
import { place } from './place.js';
import { profile } from './profile.js';
import { settings } from './settings.js';
import { simulate } from './simulate.js';
import { token } from './token.js';
import { zone } from './zone.js';

export const commands: readonly (NounCommand | LeafCommand)[] = [
  host,
  domain,
  place,
  simulate,
  allocation,
  move,
  flavor,
  aggregate,
  group,
  zone,
  settings,
  profile,
  operation,
  health,
  token,
  explain,
  completion,
];
