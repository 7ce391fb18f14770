import { manifestKeys } from '../manifest/manifest-keys.ts';

/** Kinds of events that a capability may have: a record has one byte for them. */
const maxEvents = 256;

const params: ReadonlySet<unknown> = new Set(['in', 'in?', 'out', 'u32', 'u64', 'f64']);

/**
 * What is wrong with an extension's capability, in words; undefined when nothing is. An extension in JavaScript, or
 * one built for another version of Pulp, was not held against the types.
 */
export function faultOfCapability(given: unknown): string | undefined {
  if (!isRecord(given)) return `a capability is an object, and this is ${kindOf(given)}`;
  const { module, name, imports, events = [], options = {}, stores, guest, edge } = given;
  if (typeof module !== 'string' || !URL.canParse(module)) {
    return 'its `module` is not the URL of a module; write `module: import.meta.url`';
  }
  if (
    typeof name !== 'string' ||
    !/^[a-z\d][\w-]*(?:\.[a-z\d][\w-]*)*$/.test(name) ||
    name !== name.toLowerCase()
  ) {
    return 'its `name` is not words in lower case with dots between, such as "demo.greet"';
  }
  const [first = ''] = name.split('.');
  if (manifestKeys.has(first)) return `"${first}" is a key of every manifest, so no name can begin with it`;
  if (!isRecord(imports)) return 'it has no `imports`; write `imports: {}` when it has no functions';
  for (const [key, signature] of Object.entries(imports)) {
    const fault = faultOfSignature(signature);
    if (fault !== undefined) return `the import ${key} ${fault}`;
  }
  if (!isTexts(events) || events.includes('')) return 'its `events` are not a list of names';
  if (events.length > maxEvents)
    return `it has ${events.length} kinds of events; at most ${maxEvents} are possible`;
  if (!isRecord(options)) return 'its `options` are not a schema for each key';
  for (const [key, schema] of Object.entries(options)) {
    if (!isSchema(schema)) return `the option ${key} has no schema of the Standard Schema interface`;
  }
  if (stores !== undefined && stores !== true) return 'its `stores` is neither true nor left out';
  for (const [key, end] of Object.entries({ guest, edge })) {
    if (end !== undefined && typeof end !== 'function') return `its \`${key}\` is not a function`;
  }
  if (guest === undefined && edge === undefined) return 'it has neither a guest end nor an edge end';
  if (guest === undefined && Object.keys(imports).length > 0)
    return 'it has imports and no guest end with their functions';
  return undefined;
}

function faultOfSignature(signature: unknown): string | undefined {
  if (!isRecord(signature)) return 'has no signature; write { params: […] }';
  const { params: required, optional = [], waits } = signature;
  if (!isTexts(required) || !isTexts(optional)) return 'has no list of params';
  const all = [...required, ...optional];
  const unknown = all.find((param) => !params.has(param));
  if (unknown !== undefined)
    return `has the parameter kind ${JSON.stringify(unknown)}; there are ${[...params].join(', ')}`;
  if (all.filter((param) => param === 'out').length > 1) return 'has more than one `out`';
  if (waits !== undefined && waits !== true) return 'has a `waits` that is neither true nor left out';
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isSchema(value: unknown): boolean {
  // Some libraries have functions as schemas.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = Reflect.get(value, '~standard');
  return isRecord(standard) && typeof standard['validate'] === 'function';
}

function kindOf(value: unknown): string {
  return value === undefined ? 'not there' : value === null ? 'null' : typeof value;
}
