/** Compares the cgroup layout of a captured mount table. */
import { groupsOf, readCgroupLayout } from '../../agent/kernel/cgroup.js';
import type { KernelRoot } from '../../agent/kernel/root.js';
import type { Comparison, Expected } from './expected.js';

/** True for the `expected.json` of a cgroup layout; that of a host has no `mode`. */
export function isLayout(expected: Expected): boolean {
  return typeof expected['mode'] === 'string';
}

/** Every field of `expected` beside what is read; `controllers` and `self` one by one. */
export function compareLayout(root: KernelRoot, expected: Expected): Comparison[] {
  const layout = readCgroupLayout(root);
  const groups = groupsOf(root, 'self');
  return Object.entries(expected).flatMap(([field, value]): Comparison[] => {
    switch (field) {
      case 'source':
      case 'origin':
        return [];
      case 'mode':
        return [{ field, expected: value, got: layout.mode }];
      case 'unified':
        return [{ field, expected: value, got: layout.unified || null }];
      case 'systemd':
        return [{ field, expected: value, got: layout.controllers['name=systemd'] ?? null }];
      case 'controllers':
        return each(field, value, (name) => layout.controllers[name] ?? null);
      case 'self':
        return each(field, value, (names) => sharedGroup(groups, names.split(',')));
      default:
        return [{ field, expected: value, got: undefined }];
    }
  });
}

function each(field: string, values: unknown, got: (name: string) => unknown): Comparison[] {
  return Object.entries(values as Record<string, unknown>).map(([name, expected]) => {
    return { field: `${field} ${name}`, expected, got: got(name) };
  });
}

/** The one group of several controllers of a hierarchy. */
function sharedGroup(groups: ReadonlyMap<string, string> | undefined, names: readonly string[]): unknown {
  const paths = new Set(names.map((name) => groups?.get(name)));
  return paths.size === 1 ? [...paths][0] : [...paths];
}
