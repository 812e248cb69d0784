/** The project's sources as text, and the import lines in them. Every house rule is a function over such a tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix, join } from 'node:path';

/** Path from the project's root, with slashes, to text. */
export type Tree = Readonly<Record<string, string>>;

export interface Import {
  /** Path of the file that is meant, with `.ts`; undefined for a package or a part of Node. */
  readonly file: string | undefined;
  /** As it is written. */
  readonly specifier: string;
  /** `import type`: nothing is loaded. */
  readonly typeOnly: boolean;
}

/** Every file below `rooms` with one of these endings. Generated types and recorded fixtures are left out. */
export function readTree(root: string, rooms: readonly string[], endings: readonly string[]): Tree {
  const tree: Record<string, string> = {};
  for (const room of rooms)
    for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
      const path = posix.join(entry.parentPath.slice(root.length + 1), entry.name);
      if (!entry.isFile() || /^proto\/gen\/|^test\/fixtures\/|\/node_modules\//.test(path)) continue;
      if (endings.some((ending) => path.endsWith(ending)))
        tree[path] = readFileSync(join(root, path), 'utf8');
    }
  return tree;
}

/** The text without comments; strings stay. */
export function withoutComments(text: string): string {
  const token = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/.*|\/\*[^]*?\*\//g;
  return text.replace(token, (_, string: string | undefined) => string ?? ' ');
}

const statement = /^\s*(?:import|export)\s+(type\s)?(?:[^'"();]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const call = /\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g;

/** What a file imports, statically or by a call. */
export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(statement)].map((match) =>
    importOf(path, match[2] as string, match[1] !== undefined),
  );
  const called = [...code.matchAll(call)].map((match) => importOf(path, match[1] as string, false));
  return [...found, ...called];
}

function importOf(path: string, specifier: string, typeOnly: boolean): Import {
  if (!specifier.startsWith('.')) return { file: undefined, specifier, typeOnly };
  const file = posix.join(posix.dirname(path), specifier).replace(/\.(c?)js$/, '.$1ts');
  return { file, specifier, typeOnly };
}
