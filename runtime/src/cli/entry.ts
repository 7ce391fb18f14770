// What bin/pulp.js loads: the command as a program.
import { main } from '../run.ts';

await main();
