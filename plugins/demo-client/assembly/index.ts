import { config, failInit, onInit } from 'pulp-sdk-assemblyscript';

/** Of the extension pulp-ext-demo: greets in the log. */
@external('pulp', 'demo_greet')
declare function demo_greet(name: usize, length: i32): u32;

onInit(() => {
  const name = String.UTF8.encode(config.string('name', 'World'));
  const code = demo_greet(changetype<usize>(name), name.byteLength);
  if (code != 0) failInit('demo_greet gave code ' + code.toString());
});
