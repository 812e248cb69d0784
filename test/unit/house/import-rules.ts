/** What may import what, and who may touch the outside. Each function answers sentences, one for each violation. */
import { importsOf, type Import, type Tree, withoutComments } from './source-tree.js';

/** Rooms from the top of the house to its cellar: imports go down. Files directly in agent/ or controlplane/ are `main`, and agent/commands; log.ts is for all. */
const floors: Record<string, readonly (readonly string[])[]> = {
  agent: [
    ['main'],
    ['sim'],
    ['host'],
    ['session', 'reconcile', 'guests'],
    ['tuners', 'collectors', 'facts'],
    ['kernel', 'libvirt', 'systemd', 'openvswitch'],
    ['log'],
  ],
  controlplane: [
    ['main'],
    ['api', 'cli', 'portal', 'metrics'],
    [
      'placement',
      'allocations',
      'catalog',
      'rollouts',
      'profiles',
      'operations',
      'health',
      'fleet',
      'maintenance',
      'security',
    ],
    ['model'],
    ['store', 'bus'],
  ],
};

/** Handed in by main as values; everybody else knows their types only. */
const handedIn = ['controlplane/store', 'controlplane/bus'];

/** Folders of rules of which none may know another; the named files are what they share. */
const strangers: Record<string, readonly RegExp[]> = {
  'agent/tuners': [/\/tuner\.ts$/, /\/common\//],
  'agent/collectors': [/\/collector\.ts$/, /\/common\//],
};

/** Rules that see only their arguments: no clock, store, network or log. */
const sealed: Record<string, readonly RegExp[]> = {
  'controlplane/placement/filters': [
    /^controlplane\/model\//,
    /^controlplane\/fleet\/registry-(columns|view)\.ts$/,
    /^controlplane\/placement\/(numa|pci|requirements)\//,
    /^proto\//,
  ],
  'controlplane/placement/weighers': [
    /^controlplane\/model\//,
    /^controlplane\/placement\/pci\//,
    /^controlplane\/fleet\/registry-(columns|view)\.ts$/,
    /^proto\//,
  ],
  'controlplane/health/checks': [/^controlplane\/model\//, /^proto\//],
};

const readsEnvironment = [
  'agent/main.ts',
  'agent/bin.cts',
  'controlplane/main.ts',
  'controlplane/bin.ts',
].concat(['controlplane/cli/main.ts', 'controlplane/cli/bin.ts']);

/** A function, or one of `fs`, that is called with a path below /proc or /sys; methods such as `kernel.read` are the right way. */
const opensKernelFile = /((?<![.\w])|\bfs\.(promises\.)?)\w+\(\s*['"`]\/(proc|sys)\//;

interface Place {
  readonly house: string;
  readonly room: string;
  readonly floor: number;
}

function placeOf(path: string): Place | undefined {
  const [house = '', second = '', third] = path.split('/');
  const room = second === 'log.ts' ? 'log' : third === undefined || second === 'commands' ? 'main' : second;
  const floor = floors[house]?.findIndex((rooms) => rooms.includes(room));
  return floor === undefined ? undefined : { house, room, floor };
}

/** Wrong arrows between rooms. */
export function wrongArrows(tree: Tree): string[] {
  return eachImport(tree, (path, imported) => {
    const [from, to] = [placeOf(path), imported.file === undefined ? undefined : placeOf(imported.file)];
    if (path.startsWith('proto/') && imported.file !== undefined && !imported.file.startsWith('proto/'))
      return 'proto/ imports nothing of ours';
    if (!from || imported.file === undefined) return undefined;
    if (from.floor < 0) return `the room ${from.room} is on no floor: give it one in import-rules.ts`;
    if (/^(scripts|test)\//.test(imported.file)) return 'the product imports neither scripts nor tests';
    return to && wrongBetween(from, to, imported);
  });
}

function wrongBetween(from: Place, to: Place, imported: Import): string | undefined {
  if (from.house !== to.house) return 'agent and controlplane never import each other';
  if (from.room === to.room || to.floor < 0) return undefined;
  if (to.floor < from.floor) return `${from.room} lies below ${to.room}`;
  const onlyTypes = from.room !== 'main' && handedIn.includes(`${to.house}/${to.room}`);
  return onlyTypes && !imported.typeOnly ? `${to.room} is handed in by main: import type only` : undefined;
}

/** Rooms on one floor that load each other in both directions; types do not count. */
export function mutualRooms(tree: Tree): string[] {
  const arrows = new Map<string, string>();
  for (const [path, text] of Object.entries(tree))
    for (const { file, typeOnly } of importsOf(path, text)) {
      if (typeOnly) continue;
      const [from, to] = [placeOf(path), file === undefined ? undefined : placeOf(file)];
      if (from && to && from.house === to.house && from.room !== to.room)
        arrows.set(`${from.house}/${from.room} ${to.house}/${to.room}`, path);
    }
  return [...arrows].flatMap(([arrow, path]) => {
    const [from = '', to = ''] = arrow.split(' ');
    const back = arrows.get(`${to} ${from}`);
    return back !== undefined && from < to ? [`${from} and ${to} import each other: ${path}, ${back}`] : [];
  });
}

/** Rules that know another rule, or more than their arguments. */
export function nosyRules(tree: Tree): string[] {
  return eachImport(
    tree,
    (path, imported) => nosyNeighbour(path, imported) ?? sealBroken(path, imported),
  ).concat(
    Object.entries(tree).flatMap(([path, text]) => {
      const effect =
        under(path, sealed) &&
        /\b(Date\.now|new Date\(\)|Math\.random|performance\.|process\.|fetch\(|console\.)/.exec(
          withoutComments(text),
        );
      return effect ? [`${path}: a rule sees only its arguments, not ${effect[0]}`] : [];
    }),
  );
}

function nosyNeighbour(path: string, { file }: Import): string | undefined {
  const folder = under(path, strangers);
  if (
    !folder ||
    !file?.startsWith(`${folder}/`) ||
    path === `${folder}/index.ts` ||
    path.includes('/common/')
  )
    return undefined;
  return strangers[folder]?.some((shared) => shared.test(file))
    ? undefined
    : 'one rule does not import another';
}

function sealBroken(path: string, imported: Import): string | undefined {
  const folder = under(path, sealed);
  if (!folder) return undefined;
  const { file, typeOnly } = imported;
  if (file === undefined) return 'a rule imports no package';
  const own = file.startsWith(`${folder}/`);
  const shape = typeOnly && file.startsWith('controlplane/');
  return own || shape || sealed[folder]?.some((allowed) => allowed.test(file))
    ? undefined
    : 'a rule sees only the model, the columns and its arguments';
}

function under(path: string, folders: Record<string, unknown>): string | undefined {
  return Object.keys(folders).find((folder) => path.startsWith(`${folder}/`));
}

/** Environment, /proc, /sys and foreign functions used outside the files that may. */
export function wrongReach(tree: Tree): string[] {
  return Object.entries(tree).flatMap(([path, text]) => {
    if (!/^(agent|controlplane|proto)\//.test(path)) return [];
    const code = withoutComments(text);
    const specifiers = importsOf(path, text).map((imported) => imported.specifier);
    const wrong: string[] = [];
    if (/\bprocess\s*(\.\s*env\b|\[\s*['"]env)/.test(code) && !readsEnvironment.includes(path))
      wrong.push('only main and bin files read the environment');
    const opensFiles =
      specifiers.some((specifier) => /^(node:)?fs(\/promises)?$/.test(specifier)) &&
      opensKernelFile.test(code);
    const isOwnMemory = path === 'controlplane/store/mapped-pages.ts'; // of its own process alone: docs/adr/0003-lmdb.md
    if (opensFiles && !isOwnMemory && !path.startsWith('agent/kernel/'))
      wrong.push('only agent/kernel opens /proc and /sys');
    if (specifiers.includes('koffi') && !isOwnMemory && !/^agent\/(libvirt|systemd)\//.test(path))
      wrong.push('only agent/libvirt and agent/systemd call foreign functions');
    return wrong.map((reason) => `${path}: ${reason}`);
  });
}

/** Circles of imports, types included, each once with its whole way. */
export function importCycles(tree: Tree): string[] {
  const edges = new Map(
    Object.entries(tree).map(([path, text]) => [path, importsOf(path, text).map(({ file }) => file)]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start >= 0) found.push([...way.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? [])
      if (next !== undefined && edges.has(next)) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return found;
}

function eachImport(tree: Tree, judge: (path: string, imported: Import) => string | undefined): string[] {
  return Object.entries(tree).flatMap(([path, text]) =>
    importsOf(path, text).flatMap((imported) => {
      const reason = judge(path, imported);
      return reason === undefined ? [] : [`${path} imports ${imported.specifier}: ${reason}`];
    }),
  );
}
