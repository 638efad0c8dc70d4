/** The face of the simulator: one machine for integration tests, thousands for storms. */
export { Dice, noFaults, type Faults } from './core/dice.ts';
export { specOf, type Firmware, type Spec } from './core/spec.ts';
export { formatSummary, type Summary } from './core/summary.ts';
export { call } from './shell/agent.ts';
export { addBmc, createButton, writeIpmitool, type Bmc, type PowerEvent } from './shell/bmc.ts';
export type { Disk, Touch } from './shell/disk.ts';
export { createMachine, Reset, type Gate, type Machine, type OnRequest } from './shell/machine.ts';
export type { Place } from './shell/place.ts';
export { openRelay } from './shell/relay.ts';
export { openSegment } from './shell/segment.ts';
export { runStorm, type StormOptions } from './shell/storm.ts';
