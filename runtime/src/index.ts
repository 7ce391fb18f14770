/** Pulp as a library: start a host, and know what its errors mean. */
export { Host, type HostEnd, type HostOptions } from './host/host.ts';
export { ModuleError, type ModuleErrorCode } from './guest/module-error.ts';
export { ManifestError, type Problem } from './manifest/manifest-error.ts';
export { createLogger, type Logger, type LoggerOptions } from './log/logger.ts';
export type { Capability, Log, LogFields } from './ext.ts';
