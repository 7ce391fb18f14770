// What bin/pulp.js loads: the command as a program.
import { main } from './main.ts';

process.exit(await main(process.argv.slice(2), process.env));
