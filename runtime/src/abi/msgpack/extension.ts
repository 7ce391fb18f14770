/** A MessagePack extension value other than a timestamp: an application's type and its bytes. */
export class Extension {
  /** −128 to 127; negative ones are MessagePack's own. */
  readonly type: number;
  readonly data: Uint8Array;

  /** Throws RangeError when the type is not an int8. */
  constructor(type: number, data: Uint8Array) {
    if (!Number.isInteger(type) || type < -128 || type > 127) {
      throw new RangeError(`extension type ${type} is not an integer from -128 to 127`);
    }
    this.type = type;
    this.data = data;
  }
}
