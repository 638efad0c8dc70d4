import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IronbusError } from '@ironbus/contracts';
import { failureAnswer, Superseded } from './answer.ts';

const rows = [
  { name: 'a BMC that is away', error: new IronbusError('POWER_BMC_UNREACHABLE', 'no'), reason: 'power-bmc-unreachable' },
  { name: 'a policy that did not come yet: no answer, it is tried again', error: new IronbusError('NOT_READY', 'no'), reason: undefined },
  { name: 'a newer request', error: new Superseded(7), reason: 'power-superseded' },
  { name: 'the bus away: no answer, it is tried again', error: new IronbusError('BUS_UNREACHABLE', 'no'), reason: undefined },
  { name: 'the store away', error: new IronbusError('STORE_UNREACHABLE', 'no'), reason: undefined },
  { name: 'a defect', error: new TypeError('no'), reason: undefined },
];
for (const { name, error, reason } of rows) {
  test(name, () => {
    const answer = failureAnswer(error);
    assert.equal(answer?.is === 'failed' ? answer.reason : undefined, reason);
  });
}
