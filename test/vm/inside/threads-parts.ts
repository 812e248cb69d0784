/** What is tested where cores have two threads, in this order: two domains live through all of it. */
import { checkSiblings } from './siblings.js';
import { checkInterrupts } from './interrupts.js';
import { checkMemory } from './memory.js';
import type { Parts } from './part.js';
import { checkPinning, endPinned, startPinned } from './pinning.js';

export const threadsParts: Parts = {
  facts: checkSiblings,
  domains: startPinned,
  pinning: checkPinning,
  memory: checkMemory,
  interrupts: checkInterrupts,
  'the end of the domains': endPinned,
};
