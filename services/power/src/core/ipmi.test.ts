import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BmcParameters } from '@ironbus/contracts';
import { bootDeviceHolds, failureOf, ipmiCommand, parsePowerState } from './ipmi.ts';

const bmc: BmcParameters = { type: 'ipmi', address: '10.77.9.11', port: 623, username: 'admin', password: 'secret', cipherSuite: 3, privilege: 'ADMINISTRATOR' };

test('the password is in the environment and never in argv', () => {
  for (const verb of ['status', 'on', 'off', 'soft', 'reset', 'set-boot-network', 'set-boot-disk', 'read-boot'] as const) {
    const { argv, env } = ipmiCommand(bmc, verb, 'uefi');
    assert.equal(argv.some((word) => word.includes('secret')), false, verb);
    assert.equal(env['IPMI_PASSWORD'], 'secret');
    assert.ok(argv.includes('-E'));
  }
});

test('a UEFI machine gets a UEFI boot override', () => {
  assert.deepEqual(ipmiCommand(bmc, 'set-boot-network', 'uefi').argv.slice(-3), ['bootdev', 'pxe', 'options=efiboot']);
  assert.deepEqual(ipmiCommand(bmc, 'set-boot-network', 'bios').argv.slice(-2), ['bootdev', 'pxe']);
});

const failures = [
  { name: 'wrong password (ipmi_sim)', stderr: '> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session', code: 'POWER_BMC_AUTH' },
  { name: 'unknown user (ipmi_sim)', stderr: 'RAKP 2 message indicates an error : unauthorized name\nError: Unable to establish IPMI v2 / RMCP+ session', code: 'POWER_BMC_AUTH' },
  { name: 'nobody there', stderr: 'Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\nError: Unable to establish IPMI v2 / RMCP+ session', code: 'POWER_BMC_UNREACHABLE' },
  { name: 'cipher suite not offered', stderr: 'Error in open session response message : invalid authentication algorithm\n\nError: Unable to establish IPMI v2 / RMCP+ session', code: 'POWER_BMC_REFUSED' },
  { name: 'user without the right', stderr: 'Set Chassis Power Control to Down/Off failed: Insufficient privilege level', code: 'POWER_BMC_AUTH' },
  { name: 'command not known', stderr: 'Set Chassis Power Control to Diag failed: Invalid data field in request', code: 'POWER_BMC_REFUSED' },
] as const;

for (const { name, stderr, code } of failures) {
  test(`failure: ${name}`, () => assert.equal(failureOf({ code: 1, stdout: '', stderr }, bmc)?.code, code));
}

test('a command that worked is no failure, one that hung is', () => {
  assert.equal(failureOf({ code: 0, stdout: 'Chassis Power is on', stderr: 'Get HPM.x Capabilities request failed, compcode = d4' }, bmc), undefined);
  assert.equal(failureOf({ code: null, stdout: '', stderr: '' }, bmc)?.code, 'POWER_BMC_UNREACHABLE');
});

test('power states', () => {
  assert.equal(parsePowerState('Chassis Power is on\n'), 'on');
  assert.equal(parsePowerState('Chassis Power is off\n'), 'off');
  assert.equal(parsePowerState(''), 'unknown');
});

test('a boot device counts as verified only when the BMC calls its flags valid', () => {
  const real = 'Boot parameter version: 1\nBoot parameter 5 is valid/unlocked\n Boot Flags :\n   - Boot Flag Valid\n   - Options apply to only next boot\n   - BIOS EFI boot \n   - Boot Device Selector : Force PXE\n';
  assert.equal(bootDeviceHolds(real, 'network'), true);
  assert.equal(bootDeviceHolds(real, 'disk'), false);
  assert.equal(bootDeviceHolds(real.replace('Boot Flag Valid', 'Boot Flag Invalid'), 'network'), false);
});
