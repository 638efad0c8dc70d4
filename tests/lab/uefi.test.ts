/** A UEFI machine (OVMF, its own network stack, no iPXE ROM) through its whole life. */
import { useLab } from './fixture.ts';
import { machineLife } from './machine-life.ts';

machineLife('uefi', useLab('uefi', '10.82', ['tiny']));
