import { Writer } from './writer';

/** Names and values of headers in the order they were given. Names match in either case. */
export class HeaderList {
  private names: string[] = [];
  private values: string[] = [];

  /** Sets a header, in place of those of the same name. */
  set(name: string, value: string): void {
    for (let i = this.names.length - 1; i >= 0; i--) {
      if (!sameName(this.names[i], name)) continue;
      this.names.splice(i, 1);
      this.values.splice(i, 1);
    }
    this.add(name, value);
  }

  /** Adds a header beside those of the same name. */
  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** How many names there are, each counted once. */
  get distinct(): u32 {
    let count: u32 = 0;
    for (let i = 0; i < this.names.length; i++) count += u32(this.firstOf(i) == i);
    return count;
  }

  /** Writes the entries of a map. One value is a `str`, which every host takes; only several are an array. */
  write(writer: Writer): void {
    const names = this.names;
    for (let i = 0; i < names.length; i++) {
      if (this.firstOf(i) != i) continue;
      let count: u32 = 0;
      for (let j = i; j < names.length; j++) count += u32(sameName(names[j], names[i]));
      writer.str(names[i]);
      if (count > 1) writer.array(count);
      for (let j = i; j < names.length; j++) if (sameName(names[j], names[i])) writer.str(this.values[j]);
    }
  }

  private firstOf(i: i32): i32 {
    for (let j = 0; j < i; j++) if (sameName(this.names[j], this.names[i])) return j;
    return i;
  }
}

/** Writes a map of headers: a content type where there is one, and a list where there is one. */
export function writeHeaders(writer: Writer, contentType: string, list: HeaderList | null): void {
  const typed = u32(contentType.length != 0);
  writer.map(list !== null ? typed + list.distinct : typed);
  if (typed != 0) {
    writer.str("Content-Type");
    writer.str(contentType);
  }
  if (list !== null) list.write(writer);
}

/** Whether two header names are one. */
export function sameName(a: string, b: string): bool {
  return a.length == b.length && a.toLowerCase() == b.toLowerCase();
}
