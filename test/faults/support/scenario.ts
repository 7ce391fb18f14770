import assert from 'node:assert/strict';
import type { Scope } from '../../support/scope.ts';
import { exampleManifest } from '../../support/example-plugins.ts';
import { Client } from './client.ts';
import { FaultHost, type FaultHostOptions } from './fault-host.ts';
import { type LoadWindow, startNeighbour } from './neighbour.ts';

/** How long something took to be well again, in milliseconds, and how long it should take. */
export interface Recovery {
  readonly what: string;
  readonly ms: number;
  readonly goalMs?: number;
}

/** What a fault is injected with. */
export interface Run {
  readonly t: Scope;
  readonly host: FaultHost;
  readonly client: Client;
  /** How long the fault goes on, in milliseconds. */
  readonly faultMs: number;
}

/** A fault, ready to happen on a host of its own. */
export interface Prepared {
  /** Manifests of the plugins that it happens to. */
  readonly manifests: readonly string[];
  readonly options?: Omit<FaultHostOptions, 'manifests'>;
  /** Makes it happen, and asserts what becomes of the plugin. */
  readonly inject: (run: Run) => Promise<readonly Recovery[]>;
}

export interface Scenario {
  /** The fault, as the report names it. */
  readonly name: string;
  /** Why it cannot happen on this machine; false where it can. */
  skip?(): Promise<string | false>;
  prepare(t: Scope): Promise<Prepared>;
}

export interface ScenarioOptions {
  /** How long the neighbour is measured without the fault, in milliseconds. */
  readonly baselineMs: number;
  readonly faultMs: number;
}

/** What a scenario came to. */
export interface Outcome {
  readonly name: string;
  readonly before: LoadWindow;
  readonly during: LoadWindow;
  readonly recoveries: readonly Recovery[];
}

/** The neighbour's load: what an idle machine of two cores serves with ease. */
const load = { connections: 10, perSecond: 300 };

/** Runs a scenario beside the plugin `echo` under load. Throws when the neighbour saw anything of it. */
export async function runScenario(t: Scope, scenario: Scenario, options: ScenarioOptions): Promise<Outcome> {
  const { manifests, options: hostOptions, inject } = await scenario.prepare(t);
  const host = await FaultHost.start(t, {
    ...hostOptions,
    manifests: [exampleManifest('echo'), ...manifests],
  });
  const neighbour = startNeighbour(t, { port: host.port, path: '/echo', ...load });
  using client = new Client(host);
  // What begins cold is nobody's measure.
  await neighbour.window();
  await pause(300);
  await neighbour.window();
  await pause(options.baselineMs);
  const before = await neighbour.window();
  const recoveries = await inject({ t, host, client, faultMs: options.faultMs });
  const during = await neighbour.window();

  const errors = before.errors + during.errors;
  assert.equal(errors, 0, `the neighbour saw ${during.firstError ?? before.firstError}\n${host.dump()}`);
  assert.ok(during.requests > 0, 'the neighbour was asked meanwhile');
  const { instance, crashes, state } = await host.plugin('echo');
  assert.deepEqual({ instance, crashes, state }, { instance: 1, crashes: 0, state: 'ready' });
  await endInOrder(host);
  return { name: scenario.name, before, during, recoveries };
}

/** The host is as well as ever: it stops, with 1 where the fault left something to be cut off. */
async function endInOrder(host: FaultHost): Promise<void> {
  const { code, signal } = await host.stop();
  assert.ok(code === 0 || code === 1, `the host ended with ${code ?? signal}\n${host.dump()}`);
  assert.equal(host.stderr, '');
}

/** Waits, in milliseconds; not at all where that is below 0. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** A line on an outcome, for people. */
export function describeOutcome({ before, during, recoveries }: Outcome): string {
  const ratio = (during.p99 / before.p99).toFixed(1);
  const parts = recoveries.map(({ what, ms }) => `${what} ${ms.toFixed(0)} ms`);
  return [
    `neighbour: ${during.requests} requests, ${during.errors} errors,`,
    `p99 ${before.p99.toFixed(1)} → ${during.p99.toFixed(1)} ms (×${ratio});`,
    parts.join(', '),
  ].join(' ');
}
