/** CPU lists of flavors and images: `0-3,^2,8`. Nova `hardware.parse_cpu_spec`; the kernel's lists have no `^` first. Pure. */
import { maximumCpu } from '../../../proto/wire/cpu-set.js';
import { invalid } from '../../../proto/wire/errors.js';
import { readInteger, stripped } from '../python-text.js';

/**
 * The numbers of a list, ascending; exclusions win wherever they stand, and empty parts are skipped. Errors:
 * `invalid-argument` naming `field` for what is no list and for numbers above 8191, more than any virtual machine has.
 */
export function parseCpuSpec(text: string, field: string): number[] {
  const marks = new Uint8Array(maximumCpu + 1);
  for (const part of text.split(',').map(stripped)) if (part !== '') mark(marks, part, text, field);
  const cpus: number[] = [];
  for (let cpu = 0; cpu <= maximumCpu; cpu++) if (marks[cpu] === 1) cpus.push(cpu);
  return cpus;
}

/** 1: included; 2 and 3: excluded. */
function mark(marks: Uint8Array, part: string, text: string, field: string): void {
  const isExclusion = part.startsWith('^');
  const rule = isExclusion ? part.slice(1) : part;
  const dash = rule.indexOf('-');
  const first = readInteger(dash < 0 ? rule : rule.slice(0, dash));
  const last = dash < 0 ? first : readInteger(rule.slice(dash + 1));
  if (first === undefined || last === undefined || first > last)
    throw invalid(field, text, 'a list of vCPUs such as 0-3,^2,8');
  if (last > maximumCpu && !isExclusion) throw invalid(field, text, `vCPU numbers up to ${maximumCpu}`);
  for (let cpu = first; cpu <= Math.min(last, maximumCpu); cpu++)
    marks[cpu] = (marks[cpu] as number) | (isExclusion ? 2 : 1);
}

/** A mask of a flavor's vCPUs: one that begins with `^` takes its numbers out of all of them. */
export function parseVcpuMask(mask: string, vcpus: number, field: string): number[] {
  return parseCpuSpec(stripped(mask).startsWith('^') ? `0-${vcpus - 1},${mask}` : mask, field);
}
