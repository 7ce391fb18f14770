import { Kind, Reader } from './reader';
import { MapView } from './map-view';

/**
 * The `[config]` table of the manifest, known from `onInit` on.
 *
 * A key may reach into tables by dots: `limits.burst`. A key that has a dot in itself is found, too. A value
 * of another kind than the one asked for ends the plugin with a message that names the key: a manifest's
 * mistake must not become a default.
 */
class Config {
  private root: MapView = MapView.empty();
  private known: bool = false;

  has(key: string): bool {
    return this.table(key) !== null;
  }

  string(key: string, fallback: string = ""): string {
    const table = this.checked(key, Kind.Str, Kind.Str);
    return table !== null ? table.get(lastKey) : fallback;
  }

  i64(key: string, fallback: i64 = 0): i64 {
    const table = this.checked(key, Kind.Int, Kind.Int);
    return table !== null ? table.i64(lastKey) : fallback;
  }

  /** A float, or an integer as one. */
  f64(key: string, fallback: f64 = 0): f64 {
    const table = this.checked(key, Kind.Float, Kind.Int);
    return table !== null ? table.f64(lastKey) : fallback;
  }

  bool(key: string, fallback: bool = false): bool {
    const table = this.checked(key, Kind.Bool, Kind.Bool);
    return table !== null ? table.bool(lastKey) : fallback;
  }

  /** An array of strings; empty when there is none. */
  strings(key: string): string[] {
    const table = this.checked(key, Kind.Array, Kind.Array);
    return table !== null ? table.strings(lastKey) : [];
  }

  /** The keys of a table; without a name, of the whole. */
  keys(name: string = ""): string[] {
    if (name.length == 0) return this.root.keys();
    const table = this.checked(name, Kind.Map, Kind.Map);
    return table !== null ? table.map(lastKey).keys() : [];
  }

  /** For the SDK: takes a copy of the bytes, which the host frees after `pulp_init`. */
  load(pointer: usize, length: usize): bool {
    const copy = heap.alloc(length);
    memory.copy(copy, pointer, length);
    this.root = new MapView(copy, copy + length, false, true);
    this.known = true;
    return length == 0 || isMap(copy, length);
  }

  private checked(key: string, kind: Kind, other: Kind): MapView | null {
    const table = this.table(key);
    if (table === null) return null;
    const found = table.kind(lastKey);
    if (found != kind && found != other) {
      throw new Error("[config] " + key + " in the manifest must be " + kindName(kind) + ", not " + kindName(found));
    }
    return table;
  }

  /** The table that holds a key, whose last part is then in `lastKey`. */
  private table(key: string): MapView | null {
    if (!this.known) throw new Error("config is known from onInit on: read " + key + " there, not at the top level");
    return within(this.root, key);
  }
}

export const config = new Config();

/** The part of a dotted key that `within` found in the table it gave. */
let lastKey: string = "";

function within(table: MapView, key: string): MapView | null {
  if (table.has(key)) {
    lastKey = key;
    return table;
  }
  for (let dot = key.indexOf("."); dot >= 0; dot = key.indexOf(".", dot + 1)) {
    const head = key.substring(0, dot);
    if (table.kind(head) != Kind.Map) continue;
    const found = within(table.map(head), key.substring(dot + 1));
    if (found !== null) return found;
  }
  return null;
}

function isMap(pointer: usize, length: usize): bool {
  const reader = new Reader(pointer, pointer + length);
  if (reader.peek() != Kind.Map) return false;
  reader.skip();
  return reader.ok;
}

function kindName(kind: Kind): string {
  switch (kind) {
    case Kind.Bool: return "a boolean";
    case Kind.Int: return "an integer";
    case Kind.Float: return "a float";
    case Kind.Str: return "a string";
    case Kind.Array: return "an array";
    case Kind.Map: return "a table";
    case Kind.Ext: return "a date and time";
    default: return "something else";
  }
}
