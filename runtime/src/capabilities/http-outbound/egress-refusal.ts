import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** A destination that the policy does not allow: code 4. The message says why, for the operator's log. */
export class EgressRefusal extends Failure {
  constructor(reason: string) {
    super(Code.refused, reason);
    this.name = 'EgressRefusal';
  }
}
