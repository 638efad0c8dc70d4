/** A BIOS machine (SeaBIOS, iPXE in the NIC's ROM) through its whole life. */
import { useLab } from './fixture.ts';
import { machineLife } from './machine-life.ts';

machineLife('bios', useLab('bios', '10.81', ['tiny']));
