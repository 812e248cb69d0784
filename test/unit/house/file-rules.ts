/** Length and names of files, and lists that must agree: folder, index and reference page. */
import { importsOf, type Tree, withoutComments } from './source-tree.js';

export const longestFile = 400;
export const longestTestFile = 800;
export const comfortableFile = 180;

/** Files over the limit, longest first. `test/` may be long: few large test files start faster than many. */
export function filesOver(tree: Tree, lines: number): string[] {
  return Object.entries(tree)
    .map(([path, text]) => ({ path, count: text.split('\n').length - 1 }))
    .filter(({ count }) => count > lines)
    .toSorted((a, b) => b.count - a.count)
    .map(({ path, count }) => `${path}: ${count} lines`);
}

/** Files and folders whose names are not kebab-case. Protobuf's own style has snake_case; README and SVG-like names are spared. */
export function wrongNames(paths: readonly string[]): string[] {
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
  const proto = /^[a-z0-9]+(_[a-z0-9]+)*\.proto$/;
  const good = (name: string) => kebab.test(name) || proto.test(name) || name === 'README.md';
  return paths.filter((path) => !path.split('/').every(good));
}

/** One list of rules: where it stands and how a rule is recognised. */
export interface Registry {
  readonly folder: string;
  readonly page: string;
  /** Type that a rule's constant is declared with. */
  readonly shape: RegExp;
  /** Also every first word of a table row of the page must be a rule. */
  readonly rowsAreRules: boolean;
}

export const registries: readonly Registry[] = [
  { folder: 'agent/tuners', page: 'docs/reference/tuners.md', shape: /Tuner(<[^=]*>)?/, rowsAreRules: false },
  { folder: 'agent/facts', page: 'docs/reference/facts.md', shape: /Fact/, rowsAreRules: false },
  {
    folder: 'controlplane/placement/filters',
    page: 'docs/reference/filters.md',
    shape: /Filter/,
    rowsAreRules: true,
  },
  {
    folder: 'controlplane/placement/weighers',
    page: 'docs/reference/filters.md',
    shape: /Weigher/,
    rowsAreRules: true,
  },
  {
    folder: 'controlplane/cli/commands',
    page: 'docs/reference/cli.md',
    shape: /(NounCommand|LeafCommand)/,
    rowsAreRules: false,
  },
];

interface Rule {
  readonly path: string;
  readonly constant: string;
  readonly name: string;
}

/** Rules that are in the folder, the list or the page, but not in all three. */
export function registryGaps(tree: Tree, registry: Registry): string[] {
  const index = tree[`${registry.folder}/index.ts`];
  if (index === undefined) return [`${registry.folder}/index.ts: absent`];
  const rules = rulesOf(tree, registry);
  if (rules.length === 0) return [`${registry.folder}: no rule is recognised by ${registry.shape.source}`];
  const page = tree[registry.page];
  const listed = rules
    .filter((rule) => !isListed(index, rule))
    .map((rule) => `${rule.path}: ${rule.constant} is not in the list of index.ts`);
  if (page === undefined) return [...listed, `${registry.page}: absent`];
  const written = rules.filter((rule) => !page.split('\n').some((line) => mentions(line, rule.name)));
  return [
    ...listed,
    ...written.map((rule) => `${rule.path}: ${registry.page} has no row or heading with ${rule.name}`),
    ...strayRows(page, rules, registry),
  ];
}

function rulesOf(tree: Tree, { folder, shape }: Registry): Rule[] {
  const declared = new RegExp(`export const (\\w+): ${shape.source} =`, 'g');
  return Object.entries(tree).flatMap(([path, text]) => {
    if (
      !path.startsWith(`${folder}/`) ||
      path.slice(folder.length + 1).includes('/') ||
      path.endsWith('/index.ts')
    )
      return [];
    const code = withoutComments(text);
    return [...code.matchAll(declared)].map((match) => {
      const name = /\bname: ['"]([^'"]+)['"]/.exec(code.slice(match.index))?.[1];
      return { path, constant: match[1] as string, name: name ?? (match[1] as string) };
    });
  });
}

/** The index imports the rule's file and names its constant below the imports, in its list. */
function isListed(index: string, rule: Rule): boolean {
  const base = rule.path.slice(rule.path.lastIndexOf('/') + 1);
  const imported = importsOf('x/index.ts', index).some(
    ({ file, typeOnly }) => file === `x/${base}` && !typeOnly,
  );
  const body = withoutComments(index).replace(/^import[^;]*;/gm, '');
  return imported && new RegExp(`\\b${rule.constant}\\b`).test(body);
}

/** A table row or heading with the name in it; `numaCells` and `numa_cells` are one name. */
function mentions(line: string, name: string): boolean {
  return (
    /^[|#]/.test(line) && [...line.matchAll(/[A-Za-z0-9_-]+/g)].some((word) => plain(word[0]) === plain(name))
  );
}

function plain(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

function strayRows(
  page: string,
  rules: readonly Rule[],
  { folder, page: path, rowsAreRules }: Registry,
): string[] {
  const ending = folder.endsWith('filters') ? 'Filter' : 'Weigher';
  const rows = page.split('\n').map((line) => /^\| *`([A-Za-z]+)`/.exec(line)?.[1]);
  const stray = rows.filter(
    (name) => name?.endsWith(ending) && !rules.some((rule) => plain(rule.name) === plain(name)),
  );
  return rowsAreRules ? stray.map((name) => `${path}: ${name} is no rule of ${folder}`) : [];
}

/** Registry hosts and double copies in a package-lock.json. */
export function lockFaults(lock: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { resolved?: string }> };
  const hosts = Object.entries(packages).filter(([, entry]) => /^https?:/.test(entry.resolved ?? ''));
  const copies = Object.keys(packages).filter((path) => /(^|\/)node_modules\/protobufjs$/.test(path));
  return [
    ...hosts.map(([path]) => `${path}: names a registry host`),
    ...(copies.length === 1 ? [] : [`protobufjs is there ${copies.length} times: ${copies.join(', ')}`]),
  ];
}
