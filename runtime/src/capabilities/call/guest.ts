import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** One plugin runs on a host, so there is no other to call. */
export function guest() {
  return {
    functions: {
      pulp_call: (): never => {
        throw new Failure(Code.notAllowed, 'there is no other plugin on this host');
      },
    },
  };
}
