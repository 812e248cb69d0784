/** A kernel root in memory: what a simulated host has in place of /proc and /sys. */
import { DroverError } from '../../proto/wire/errors.js';
import type { KernelRoot } from '../kernel/root.js';

/** What the kernel makes of a write: the text that the file shows afterwards, or an errno name in words. */
export type WriteRule = (
  file: string,
  value: string,
  before: string,
) => string | { readonly refused: string };

/** Most files of one simulated host; a bug that creates files without end is stopped here. */
export const maximumFiles = 100_000;

export class MemoryRoot implements KernelRoot {
  readonly path: string;
  readonly #files = new Map<string, string>();
  readonly #children = new Map<string, Set<string>>();
  readonly #links = new Map<string, string>();
  readonly #rule: WriteRule;
  writes = 0;

  /** `label` stands in messages where a real root has its directory. */
  constructor(label: string, rule: WriteRule = (_file, value) => value) {
    this.path = label;
    this.#rule = rule;
  }

  read(file: string): string | undefined {
    return this.#files.get(normal(file));
  }

  list(directory: string): string[] {
    return [...(this.#children.get(normal(directory)) ?? [])].sort();
  }

  exists(file: string): boolean {
    const path = normal(file);
    return this.#files.has(path) || this.#children.has(path) || this.#links.has(path);
  }

  link(file: string): string | undefined {
    return this.#links.get(normal(file));
  }

  async write(file: string, value: string): Promise<void> {
    this.writes++;
    const path = normal(file);
    const before = this.#files.get(path);
    const after = before === undefined ? { refused: 'ENOENT' } : this.#rule(path, value, before);
    if (typeof after !== 'string')
      throw new DroverError('kernel-write-failed', `write ${value} to ${file}: ${after.refused}`, {
        field: file,
        value,
      });
    this.#files.set(path, after);
  }

  content(file: string): string | undefined {
    return this.read(file);
  }

  async putFile(file: string, content: string): Promise<void> {
    this.writes++;
    this.put(file, content);
  }

  async removeFile(file: string): Promise<void> {
    this.writes++;
    this.remove(file);
  }

  /** Sets a file as the kernel itself would, making its directories. */
  put(file: string, content: string): void {
    const path = normal(file);
    if (this.#files.size >= maximumFiles && !this.#files.has(path))
      throw new Error(`a simulated host has over ${maximumFiles} files`);
    this.#files.set(path, content);
    this.#enter(path);
  }

  putLink(file: string, target: string): void {
    this.#links.set(normal(file), target);
    this.#enter(normal(file));
  }

  /** Removes a file, or a directory with all below it. */
  remove(path: string): void {
    const top = normal(path);
    const within = (file: string): boolean => file === top || file.startsWith(`${top}/`);
    for (const map of [this.#files, this.#links, this.#children])
      for (const file of map.keys()) if (within(file)) map.delete(file);
    this.#children.get(parent(top))?.delete(top.slice(top.lastIndexOf('/') + 1));
  }

  #enter(path: string): void {
    for (let child = path; child !== ''; child = parent(child)) {
      const names = this.#children.get(parent(child));
      const name = child.slice(child.lastIndexOf('/') + 1);
      if (names?.has(name)) return;
      if (names) names.add(name);
      else this.#children.set(parent(child), new Set([name]));
    }
  }
}

function normal(path: string): string {
  if (path.startsWith('/') && !path.includes('//') && !path.endsWith('/')) return path;
  return `/${path}`.replaceAll(/\/+/g, '/').replace(/\/$/, '');
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
