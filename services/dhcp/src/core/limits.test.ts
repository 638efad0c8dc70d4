import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits, limitedThing, Limits, type Arrival, type LimitOptions, type Verdict } from './limits.ts';

const off = { perSecond: 0, burst: 0 };
const none: LimitOptions = { client: off, port: off, relay: off, device: off, unknownLoad: 0, seed: 1 };
const arrival = (changes: Partial<Arrival> = {}): Arrival =>
  ({ device: 'eth0', mac: macOf(1), known: false, giaddr: '0.0.0.0', circuit: undefined, bytes: 342, ...changes });
const relayed = (n: number, circuit?: string, giaddr = '10.1.0.1'): Arrival => arrival({ mac: macOf(n), giaddr, circuit });
const verdicts = (limits: Limits, packets: readonly Arrival[], nowMs = 0): Verdict[] => packets.map((packet) => limits.admit(packet, nowMs));
const count = (all: readonly Verdict[], wanted: Verdict): number => all.filter((verdict) => verdict === wanted).length;
const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

function macOf(n: number): string {
  return `52:54:${[24, 16, 8, 0].map((shift) => ((n >>> shift) & 255).toString(16).padStart(2, '0')).join(':')}`;
}

/** DISCOVERs and REQUESTs of one boot as captured, seconds from power-on; retries where the capture had none are the firmware's own. */
const boots: ReadonlyArray<[witness: string, seconds: number[]]> = [
  ['seabios-ipxe-rom-e1000.pcap', [0, 1, 10.36, 11.36]],
  ['ipxe-undionly-chain.pcap', [0, 0.01, 2.57, 2.58]],
  ['ovmf-pxe-ipxe-efi.pcap', [0, 3.72, 6.14, 6.15]],
  ['ovmf-secureboot-shim-grubnet.pcap', [0, 3.76, 14.36, 14.4]],
  ['aarch64-aavmf-pxe.pcap, never answered', [0, 3.73, 11.73, 27.73]],
  ['a chain of three with each packet lost once', [0, 1, 1.1, 2.1, 5, 6, 6.1, 7.1, 9, 12, 12.1, 15.1]],
];

describe('limits: what must never be held back', () => {
  for (const [witness, seconds] of boots) {
    it(`five machines behind one port at once: ${witness}`, () => {
      const limits = new Limits({ ...defaultLimits, seed: 1 });
      for (const second of seconds) {
        assert.deepEqual(new Set(verdicts(limits, many(5, (n) => relayed(n, '0106000400100001')), second * 1_000)), new Set(['ok']));
      }
    });
  }
  const places = [['on the wire', (n: number) => arrival({ mac: macOf(n) })], ['behind one relay port', (n: number) => relayed(n, '00')]] as const;
  for (const [name, from] of places) {
    it(`a thousand unknown machines powered on at once, four packets each within a second, ${name}`, () => {
      const limits = new Limits({ ...defaultLimits, seed: 1 });
      const seen = many(4, (round) => verdicts(limits, many(1_000, from), round * 250)).flat();
      assert.equal(count(seen, 'ok'), 4_000);
    });
  }
  it('50,000 new clients through one relay at 8,000 exchanges a second', () => {
    const limits = new Limits({ ...defaultLimits, seed: 1 });
    const seen = many(50_000, (n) => verdicts(limits, [relayed(n), relayed(n)], n / 8)).flat();
    assert.equal(count(seen, 'ok'), 100_000);
  });
});

describe('limits: one client', () => {
  const limited = (): Limits => new Limits({ ...none, client: { perSecond: 2, burst: 10 } });
  it('ten at once, then two a second, known or not', () => {
    for (const known of [true, false]) {
      const limits = limited();
      assert.equal(count(verdicts(limits, many(50, () => arrival({ known }))), 'ok'), 10);
      assert.equal(count(verdicts(limits, many(50, () => arrival({ known })), 3_000), 'ok'), 6);
    }
  });
  it('does not hold its neighbour back', () => {
    const limits = limited();
    verdicts(limits, many(50, () => arrival()));
    assert.equal(limits.admit(arrival({ mac: macOf(2) }), 0), 'ok');
  });
  it('a datagram of 64 KB costs what its frames would', () => {
    assert.equal(limited().admit(arrival({ bytes: 65_507 }), 0), 'client');
    assert.equal(new Limits({ ...defaultLimits, seed: 1 }).admit(arrival({ bytes: 9_000 }), 0), 'ok');
  });
});

describe('limits: unknown machines', () => {
  const small: LimitOptions = { ...none, port: { perSecond: 1, burst: 3 }, relay: { perSecond: 1, burst: 5 }, device: { perSecond: 1, burst: 4 } };
  it('the device: new MACs wait, met ones go on, known ones never wait', () => {
    const limits = new Limits(small);
    const flood = verdicts(limits, many(100, (n) => arrival({ mac: macOf(n) })));
    assert.deepEqual([count(flood, 'ok'), count(flood, 'device')], [4, 96]);
    assert.equal(limits.admit(arrival({ mac: macOf(0) }), 0), 'ok', 'the REQUEST after its DISCOVER');
    assert.equal(count(verdicts(limits, many(100, (n) => arrival({ mac: macOf(n), known: true }))), 'ok'), 100);
    assert.equal(count(verdicts(limits, many(100, (n) => arrival({ mac: macOf(200 + n) })), 2_000), 'ok'), 2);
  });
  it('another device is not touched', () => {
    const limits = new Limits(small);
    verdicts(limits, many(100, (n) => arrival({ mac: macOf(n) })));
    assert.equal(limits.admit(arrival({ device: 'eth1', mac: macOf(500) }), 0), 'ok');
  });
  it('a port uses up its own allowance, not its relay\'s', () => {
    const limits = new Limits(small);
    const flood = verdicts(limits, many(100, (n) => relayed(n, 'aa')));
    assert.deepEqual([count(flood, 'ok'), count(flood, 'port')], [3, 97]);
    assert.deepEqual(verdicts(limits, [relayed(200, 'bb'), relayed(201, 'bb'), relayed(202, 'bb')]), ['ok', 'ok', 'relay']);
  });
  it('made-up relays share one allowance', () => {
    const limits = new Limits(small);
    const flood = verdicts(limits, many(100, (n) => relayed(n, undefined, `10.1.0.${n}`)));
    assert.deepEqual([count(flood, 'ok'), count(flood, 'device')], [10, 90]);
  });
  it('made-up circuits share their relay\'s', () => {
    assert.equal(count(verdicts(new Limits(small), many(100, (n) => relayed(n, n.toString(16)))), 'ok'), 5);
  });
  it('MACs that were met share an allowance of their own', () => {
    const limits = new Limits(small);
    const seen = many(100, () => verdicts(limits, many(4, (n) => arrival({ mac: macOf(n) })))).flat();
    assert.deepEqual([count(seen, 'ok'), count(seen, 'device')], [4 + 16, 400 - 20]);
  });
  it('long packets of new MACs cost their device what their frames would', () => {
    const flood = verdicts(new Limits({ ...none, device: { perSecond: 1, burst: 30 } }), many(100, (n) => arrival({ mac: macOf(n), bytes: 8_972 })));
    assert.equal(count(flood, 'ok'), 5);
  });
  it('a minute of silence makes a MAC new again', () => {
    const limits = new Limits({ ...small, device: { perSecond: 0.001, burst: 1 } });
    assert.deepEqual([0, 59_000, 120_000].map((nowMs) => limits.admit(arrival(), nowMs)), ['ok', 'ok', 'device']);
  });
  it('while the server is busy newcomers wait first, then those it met, never known ones', () => {
    const limits = new Limits({ ...none, unknownLoad: 0.5 });
    const [newcomer, met, known] = [arrival({ mac: macOf(1) }), arrival({ mac: macOf(2) }), arrival({ mac: macOf(3), known: true })];
    const at = (load: number): Verdict[] => [newcomer, met, known].map((packet) => limits.admit({ ...packet, load }, 0));
    limits.admit(met, 0);
    assert.deepEqual(at(0.6), ['device', 'ok', 'ok']);
    assert.deepEqual(at(0.8), ['device', 'device', 'ok']);
  });
});

it('everything off: nothing is held back', () => {
  const limits = new Limits(none);
  assert.equal(count(many(1_000, (n) => limits.admit(n % 2 === 0 ? relayed(n, 'aa') : arrival({ bytes: 60_000, load: 1 }), 0)), 'ok'), 1_000);
});

it('a limit names what it is of', () => {
  const packet = relayed(1, 'aa');
  assert.deepEqual((['client', 'port', 'relay', 'device'] as const).map((limit) => limitedThing(packet, limit)), [macOf(1), '10.1.0.1 aa', '10.1.0.1', 'eth0']);
});
