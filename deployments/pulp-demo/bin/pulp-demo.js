#!/usr/bin/env node
// An example of a deployment: Pulp with the extensions that it picks. Everything else is as with `pulp`.
import { capability as demo } from 'pulp-ext-demo';
import { main } from 'pulp-runtime/run';

await main({ extensions: [demo] });
