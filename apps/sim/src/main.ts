#!/usr/bin/env node
/** `ironbus-sim`: boots simulated machines against what serves a network, and says what became of them. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { IronbusError } from '@ironbus/contracts';
import { optionsOf, optionTable, usage, type Where } from './core/arguments.ts';
import { formatSummary } from './core/summary.ts';
import type { DhcpWire } from './shell/dhcp-wire.ts';
import { openRelay } from './shell/relay.ts';
import { openSegment } from './shell/segment.ts';
import { runStorm } from './shell/storm.ts';

const given = optionsOf(() => parseArgs({ options: optionTable, strict: true }).values);
if (!given.ok) {
  process.stderr.write(`${given.why}\n${usage}\n`);
  process.exit(2);
}
const { options, on, json } = given;
const refused = (error: Error): void => { process.stderr.write(`ironbus-sim: ${error.message}\n`); };
const wire = open(on);
const summary = await runStorm({ ...options, wire, onProgress: (reached) => process.stderr.write(`${reached} of ${options.machines} are there\n`) });
await wire.close();
if (json !== undefined) writeFileSync(json, JSON.stringify(summary));
process.stdout.write(`${formatSummary(summary)}\n`);
process.exit(summary.reached === summary.machines ? 0 : 1);

function open(where: Where): DhcpWire {
  try {
    return where.how === 'segment' ? openSegment(where.device, refused) : openRelay(where);
  } catch (error) {
    if (!(error instanceof IronbusError)) throw error;
    refused(error);
    process.exit(1);
  }
}
