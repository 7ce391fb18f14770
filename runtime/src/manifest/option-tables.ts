import type { Shape } from '../ext.ts';
import type { ProblemList } from './manifest-error.ts';
import { keyOf } from './shown.ts';
import { isTable, kindOf, type TomlTable, type TomlValue } from './toml.ts';

/** As much of a capability as a manifest is held against. */
export interface Declarable {
  readonly name: string;
  /** Schemas of the keys that its table may have; none means that it has no options. */
  readonly options?: Shape;
}

export interface OptionTablesInput {
  /** Names in the manifest's `capabilities`, also of those that the host lacks. */
  readonly declared: readonly string[];
  readonly capabilities: ReadonlyMap<string, Declarable>;
  /** Keys of the top level that are not tables of capabilities. */
  readonly topLevel: ReadonlySet<string>;
}

/** A segment of a capability's dotted name: `transport`, `http` and `inbound` are one below the other. */
interface Node {
  readonly children: Map<string, Node>;
  /** The name that ends here is in `capabilities` of the manifest. */
  declared: boolean;
  /** The host's capability of the name that ends here. */
  capability: Declarable | undefined;
}

/**
 * Finds the table of each declared capability, by its dotted name: `[transport.http.outbound]` is three tables
 * in TOML. Whatever is no known key of the top level and leads to no declared capability is a problem, as is a
 * key that the capability does not have (contract section 7). Values are not looked at.
 *
 * A key of a capability's own wins over the segment of a longer capability's name.
 */
export function findOptionTables(
  root: TomlTable,
  input: OptionTablesInput,
  problems: ProblemList,
): ReadonlyMap<string, TomlTable> {
  return new OptionTables(input, problems).find(root);
}

class OptionTables {
  readonly #input: OptionTablesInput;
  readonly #problems: ProblemList;
  readonly #tree = emptyNode();
  readonly #found = new Map<string, TomlTable>();

  constructor(input: OptionTablesInput, problems: ProblemList) {
    this.#input = input;
    this.#problems = problems;
    for (const [name, capability] of input.capabilities) this.#add(name).capability = capability;
    for (const name of input.declared) this.#add(name).declared = true;
  }

  find(root: TomlTable): ReadonlyMap<string, TomlTable> {
    const candidates = [...this.#input.topLevel, ...this.#tree.children.keys()];
    for (const [key, value] of Object.entries(root)) {
      if (this.#input.topLevel.has(key)) continue;
      const child = this.#tree.children.get(key);
      if (child !== undefined) this.#descend(child, value, [key]);
      // A capability's whole name in quotes is one key to TOML.
      else if (this.#input.capabilities.has(key)) {
        this.#problems.add(keyOf([key]), `unknown key; write the table's name without quotes: [${key}]`);
      } else this.#problems.addNear(keyOf([key]), 'unknown key', { word: key, known: candidates });
    }
    return this.#found;
  }

  #descend(node: Node, value: TomlValue, path: readonly string[]): void {
    // Already a problem of `capabilities`; what its table should look like nobody knows.
    if (node.declared && node.capability === undefined) return;
    if (!isTable(value)) {
      this.#problems.add(keyOf(path), `expected a table of capability options, found ${kindOf(value)}`);
      return;
    }
    const shape = node.capability?.options ?? {};
    const own: [string, TomlValue][] = [];
    for (const [key, entry] of Object.entries(value)) {
      const child = Object.hasOwn(shape, key) ? undefined : node.children.get(key);
      if (child === undefined) own.push([key, entry]);
      else this.#descend(child, entry, [...path, key]);
    }
    // With nothing below it either, a table was meant to be one itself.
    if (Object.keys(value).length === 0) this.#refuseEmpty(node, path);
    else if (node.capability === undefined) this.#refuseNamespace(node, own, path);
    else if (node.declared) this.#keep(node.capability, own, path);
    else if (own.length > 0) this.#refuseUndeclared(node.capability, path);
  }

  #refuseEmpty(node: Node, path: readonly string[]): void {
    if (node.capability === undefined) {
      this.#problems.add(keyOf(path), 'unknown key: no capability has this name');
    } else if (node.declared) this.#keep(node.capability, [], path);
    else this.#refuseUndeclared(node.capability, path);
  }

  #refuseUndeclared({ name }: Declarable, path: readonly string[]): void {
    const reason = `the capability is not declared; add "${name}" to capabilities, or remove its table`;
    this.#problems.add(keyOf(path), reason);
  }

  /** The path is only the beginning of names, such as `[transport]`. */
  #refuseNamespace(node: Node, own: readonly [string, TomlValue][], path: readonly string[]): void {
    const reason = 'unknown key: no capability has this name';
    const known = [...node.children.keys()];
    for (const [key] of own) {
      this.#problems.addNear(keyOf([...path, key]), reason, { word: key, known, path });
    }
  }

  #keep(capability: Declarable, own: readonly [string, TomlValue][], path: readonly string[]): void {
    const known = Object.keys(capability.options ?? {});
    for (const [key] of own.filter(([name]) => !known.includes(name))) {
      const full = keyOf([...path, key]);
      if (this.#input.topLevel.has(key)) {
        // In TOML every key below a [table] belongs to it, which a key moved to the end of the file shows.
        this.#problems.add(full, `unknown key; to set ${key} of the plugin, move it above the first [table]`);
      } else if (known.length === 0) {
        this.#problems.add(full, `unknown key; ${capability.name} has no options`);
      } else this.#problems.addNear(full, 'unknown key', { word: key, known });
    }
    this.#found.set(path.join('.'), Object.fromEntries(own));
  }

  #add(name: string): Node {
    let node = this.#tree;
    for (const segment of name.split('.')) {
      let child = node.children.get(segment);
      if (child === undefined) node.children.set(segment, (child = emptyNode()));
      node = child;
    }
    return node;
  }
}

function emptyNode(): Node {
  return { children: new Map(), declared: false, capability: undefined };
}
