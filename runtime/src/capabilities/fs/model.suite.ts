/**
 * What the store ought to do, in memory: the contract's rules for paths that have no tricks in them, without disk,
 * links and crashes.
 */
import type { StoreLimits } from './store.ts';

type Node = string | Tree;
type Tree = Map<string, Node>;

/** Each method gives the contract's code. Files are binary strings, paths lists of names. */
export class Model {
  readonly #limits: StoreLimits;
  readonly #root: Tree = new Map();

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  read(path: readonly string[]): number | string {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    return typeof found === 'string' ? found : 5;
  }

  write(path: readonly string[], content: string): number {
    return this.#put(path, content, () => content);
  }

  append(path: readonly string[], content: string): number {
    return this.#put(path, content, (before) => before + content);
  }

  delete(path: readonly string[]): number {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    if (typeof found !== 'string' && found.size > 0) return 5;
    this.#parentOf(path)?.delete(path.at(-1) ?? '');
    return 0;
  }

  removeAll(path: readonly string[]): number {
    const found = this.#find(path);
    if (found === 6) return 0;
    if (typeof found === 'number') return found;
    this.#parentOf(path)?.delete(path.at(-1) ?? '');
    return 0;
  }

  makeAll(path: readonly string[]): number {
    const missing = this.#missing(path);
    if (missing === undefined) return 5;
    if (missing === 0) return typeof this.#find(path) === 'string' ? 5 : 0;
    if (this.files + missing > this.#limits.maxFiles) return 5;
    this.#makeFolders(path);
    return 0;
  }

  rename(from: readonly string[], to: readonly string[]): number {
    const moved = this.#find(from);
    if (typeof moved === 'number') return moved;
    if (from.join('/') === to.join('/')) return 0;
    if (typeof moved !== 'string' && `${to.join('/')}/`.startsWith(`${from.join('/')}/`)) return 5;
    const folders = to.slice(0, -1);
    const missing = this.#missing(folders);
    if (missing === undefined || (folders.length > 0 && typeof this.#find(folders) === 'string')) return 5;
    if (missing > 0 && this.files + missing > this.#limits.maxFiles) return 5;
    const replaced = this.#find(to);
    if (typeof replaced !== 'number') {
      if ((typeof replaced === 'string') !== (typeof moved === 'string')) return 5;
      if (typeof replaced !== 'string' && replaced.size > 0) return 5;
    }
    // As on the disk, the folders are made before anything is found out about the last name.
    this.#makeFolders(folders);
    this.#parentOf(from)?.delete(from.at(-1) ?? '');
    this.#parentOf(to)?.set(to.at(-1) ?? '', moved);
    return 0;
  }

  /** Every path with its content, folders with `/` behind. */
  all(): string[] {
    const paths: string[] = [];
    const walk = (tree: Tree, before: string): void => {
      for (const [name, node] of tree) {
        if (typeof node === 'string') paths.push(`${before}${name}=${node}`);
        else {
          paths.push(`${before}${name}/`);
          walk(node, `${before}${name}/`);
        }
      }
    };
    walk(this.#root, '');
    return paths.toSorted();
  }

  get files(): number {
    return this.all().length;
  }

  get bytes(): number {
    return this.all().reduce((sum, path) => sum + (/=(.*)$/s.exec(path)?.[1]?.length ?? 0), 0);
  }

  #put(path: readonly string[], given: string, after: (before: string) => string): number {
    const { maxBytes, maxFileBytes, maxFiles } = this.#limits;
    if (given.length > maxFileBytes) return 5;
    const folders = path.slice(0, -1);
    const missing = this.#missing(folders);
    if (missing === undefined || (folders.length > 0 && typeof this.#find(folders) === 'string')) return 5;
    const found = this.#find(path);
    if (typeof found !== 'number' && typeof found !== 'string') return 5;
    const before = typeof found === 'string' ? found : '';
    const content = after(before);
    if (content.length > maxFileBytes) return 5;
    const more = content.length - before.length;
    if (more > 0 && this.bytes + more > maxBytes) return 5;
    if (typeof found === 'number' && this.files + missing + 1 > maxFiles) return 5;
    this.#makeFolders(folders);
    this.#parentOf(path)?.set(path.at(-1) ?? '', content);
    return 0;
  }

  /** What stands at a path; 6 for nothing, 5 where a file stands on the way. */
  #find(path: readonly string[]): Node | 5 | 6 {
    let node: Node = this.#root;
    for (const name of path) {
      if (typeof node === 'string') return 5;
      const next: Node | undefined = node.get(name);
      if (next === undefined) return 6;
      node = next;
    }
    return node;
  }

  /** How many of the names are missing; undefined where a file stands on the way. */
  #missing(path: readonly string[]): number | undefined {
    let node: Node | undefined = this.#root;
    for (const [index, name] of path.entries()) {
      if (typeof node === 'string') return undefined;
      node = node.get(name);
      if (node === undefined) return path.length - index;
    }
    return 0;
  }

  #parentOf(path: readonly string[]): Tree | undefined {
    const parent = this.#find(path.slice(0, -1));
    return parent instanceof Map ? parent : undefined;
  }

  #makeFolders(path: readonly string[]): void {
    let tree = this.#root;
    for (const name of path) {
      const next = tree.get(name);
      const inner: Tree = next instanceof Map ? next : new Map<string, Node>();
      tree.set(name, inner);
      tree = inner;
    }
  }
}
