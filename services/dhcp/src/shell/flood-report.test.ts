import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dhcpFloodLimited, type Draft, type EventDefinition, makeEvent } from '@ironbus/contracts';
import { simulatedClock } from '@ironbus/testkit';
import { Registry } from 'prom-client';
import type { Arrival, LimitName } from '../core/limits.ts';
import { FloodReport } from './flood-report.ts';

type Told = { limit: LimitName; of: string; dropped: number };

function start() {
  const told: Told[] = [];
  const clock = simulatedClock();
  const registry = new Registry();
  const observe = <D extends EventDefinition>(definition: D, draft: Draft<D>): void => {
    const event = makeEvent(definition, { service: 'dhcp', rack: 'rack1', instance: 'test' }, draft);
    assert.deepEqual([event.type, event.subject], [dhcpFloodLimited.type, 'br-lan-10']);
    const { limit, of, dropped } = event.data as Told;
    told.push({ limit, of, dropped });
  };
  const report = new FloodReport({ bus: { observe }, registry, clock });
  const drop = (limit: LimitName, changes: Partial<Arrival> = {}, times = 1): void => {
    for (let n = 0; n < times; n += 1) {
      report.dropped({ device: 'br-lan.10', mac: '52:54:00:00:00:01', known: false, giaddr: '10.1.0.1', circuit: 'aa', bytes: 342, ...changes }, limit);
    }
  };
  return { told, clock, registry, report, drop };
}

describe('flood report', () => {
  it('the first drop at once, then the count every ten seconds, then nothing', async () => {
    const { told, clock, drop } = start();
    drop('port', {}, 500);
    assert.deepEqual(told.splice(0), [{ limit: 'port', of: '10.1.0.1 aa', dropped: 1 }]);
    await clock.advance(10_000);
    assert.deepEqual(told.splice(0), [{ limit: 'port', of: '10.1.0.1 aa', dropped: 499 }]);
    await clock.advance(60_000);
    assert.deepEqual([told, clock.pending()], [[], 0]);
    drop('port');
    assert.equal(told.length, 1, 'told at once again');
  });
  it('each thing by itself', () => {
    const { told, drop } = start();
    for (const limit of ['client', 'port', 'relay', 'device'] as const) drop(limit, {}, 3);
    assert.deepEqual(told.map(({ of }) => of), ['52:54:00:00:00:01', '10.1.0.1 aa', '10.1.0.1', 'br-lan.10']);
  });
  it('a hundred thousand things make few events, and no drop is left out of the counts', async () => {
    const { told, clock, registry, drop } = start();
    for (let n = 0; n < 100_000; n += 1) drop('port', { circuit: n.toString(16) });
    await clock.advance(10_000);
    assert.ok(told.length <= 2 * 257, `${told.length} events`);
    assert.equal(told.reduce((sum, { dropped }) => sum + dropped, 0), 100_000);
    assert.match(await registry.metrics(), /dhcp_limited_total\{limit="port"\} 100000\n/);
  });
  it('a circuit too long for the event is cut', () => {
    const { told, drop } = start();
    drop('port', { circuit: 'ab'.repeat(255) });
    assert.equal(told[0]?.of.length, 200);
  });
  it('stop tells the rest and leaves no timer', () => {
    const { told, clock, report, drop } = start();
    drop('relay', {}, 5);
    report.stop();
    drop('relay');
    assert.deepEqual([told.map(({ dropped }) => dropped), clock.pending()], [[1, 4], 0]);
  });
});
