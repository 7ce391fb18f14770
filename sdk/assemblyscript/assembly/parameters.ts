import { Writer } from './writer';
import { Kind } from './reader';

/** Begins the values for a statement: `bind().int(7).text("a name")`. */
export function bind(): Parameters {
  return new Parameters();
}

/**
 * Values for the `?` of a statement, in their order; `?3` takes the third. They travel beside the SQL and are
 * never part of its text, so that text from outside cannot become SQL.
 */
export class Parameters {
  private values: Parameter[] = [];

  /** An integer. */
  int(value: i64): Parameters {
    return this.add(new Parameter(Kind.Int, value));
  }

  /** A float, which is a REAL also when it is whole. */
  float(value: f64): Parameters {
    return this.add(new Parameter(Kind.Float, reinterpret<i64>(value)));
  }

  /** Text. */
  text(value: string): Parameters {
    const parameter = new Parameter(Kind.Str);
    parameter.text = value;
    return this.add(parameter);
  }

  /** Bytes: a BLOB. They are read when the statement runs. */
  bytes(value: Uint8Array): Parameters {
    const parameter = new Parameter(Kind.Bin);
    parameter.bytes = value;
    return this.add(parameter);
  }

  /** 0 or 1. */
  bool(value: bool): Parameters {
    return this.add(new Parameter(Kind.Bool, i64(value)));
  }

  /** A point in time, in milliseconds since 1970-01-01 UTC: `Date.now()`, or `wallTime() / 1000000`. Stored as text. */
  time(milliseconds: i64): Parameters {
    return this.add(new Parameter(Kind.Ext, milliseconds));
  }

  /** NULL. */
  null(): Parameters {
    return this.add(new Parameter(Kind.Nil));
  }

  /** For the SDK. */
  encode(writer: Writer): void {
    writer.array(u32(this.values.length));
    for (let i = 0; i < this.values.length; i++) this.values[i].encode(writer);
  }

  private add(parameter: Parameter): Parameters {
    this.values.push(parameter);
    return this;
  }
}

class Parameter {
  text: string = "";
  bytes: Uint8Array | null = null;

  constructor(
    private kind: Kind,
    /** Whatever has 64 bits; a float as its bits. */
    private bits: i64 = 0,
  ) {}

  encode(writer: Writer): void {
    const bytes = this.bytes;
    switch (this.kind) {
      case Kind.Int: return writer.i64(this.bits);
      case Kind.Float: return writer.f64(reinterpret<f64>(this.bits));
      case Kind.Str: return writer.str(this.text);
      case Kind.Bool: return writer.bool(this.bits != 0);
      case Kind.Ext: return writer.time(this.bits);
      case Kind.Bin: return bytes !== null ? writer.bin(bytes.dataStart, bytes.byteLength) : writer.nil();
      default: return writer.nil();
    }
  }
}
