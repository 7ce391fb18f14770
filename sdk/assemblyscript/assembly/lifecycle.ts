/** What a plugin hangs itself on, and what is known of the running step. */

export type Hook = () => void;

const initHooks: Hook[] = [];
const tickHooks: Hook[] = [];
const shutdownHooks: Hook[] = [];

let stepNumber: u64 = 0;
let stepTime: u64 = 0;
let failure: string = "";

/** Runs when the host starts the plugin, with `config` known. Several run in the order they were given. */
export function onInit(hook: Hook): void {
  initHooks.push(hook);
}

/** Runs at each tick: a step without an event. `tick_interval_ms` in the manifest sets how often. */
export function onTick(hook: Hook): void {
  tickHooks.push(hook);
}

/** Runs when the host ends the plugin in order. It does not run after a trap. */
export function onShutdown(hook: Hook): void {
  shutdownHooks.push(hook);
}

/** Makes the start fail, with a reason that the host shows. In `onInit` only; the hook itself runs on. */
export function failInit(reason: string): void {
  if (failure.length == 0) failure = reason;
}

/** The number of the running or last step of this instance, ticks included. The first is 0. */
export function callNumber(): u64 {
  return stepNumber;
}

/** The host's wall clock at the running or last step, in nanoseconds since 1970-01-01 UTC. */
export function wallTime(): u64 {
  return stepTime;
}

/** For the SDK: the reason given to `failInit`, or nothing. */
export function initFailure(): string {
  return failure;
}

/** For the SDK: a step begins. */
export function beginStep(number: u64, time: u64): void {
  stepNumber = number;
  stepTime = time;
}

/** For the SDK. */
export function runInit(): void {
  for (let i = 0; i < initHooks.length; i++) initHooks[i]();
}

/** For the SDK. */
export function runTick(): void {
  for (let i = 0; i < tickHooks.length; i++) tickHooks[i]();
}

/** For the SDK. */
export function runShutdown(): void {
  for (let i = 0; i < shutdownHooks.length; i++) shutdownHooks[i]();
}
