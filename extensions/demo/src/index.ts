import { Failure, defineCapability } from 'pulp-runtime/ext';

/** Longest name that is greeted, in bytes. */
const maxNameBytes = 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** `demo.greet`: a function that writes a greeting to the log. */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'demo.greet',
  imports: {
    // demo_greet(name, len) -> code
    demo_greet: { params: ['in'] },
  },
  guest({ log }) {
    return {
      functions: {
        demo_greet(name) {
          if (name.length > maxNameBytes) {
            throw new Failure(4, `a name of ${name.length} bytes; at most ${maxNameBytes} are greeted`);
          }
          log.info(`Hello, ${read(name)}!`);
        },
      },
    };
  },
});

function read(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Failure(3, 'the name is not UTF-8');
  }
}
