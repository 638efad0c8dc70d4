import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseHex } from './hex.ts';
import { readCapture } from './pcap.ts';

const seed = 20261121;

function ipv4Udp(payload: string): Buffer {
  const udp = Buffer.from([0, 68, 0, 67, 0, 8 + payload.length, 0, 0, ...Buffer.from(payload)]);
  const ip = Buffer.from([0x45, 0, 0, 20 + udp.length, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 255, 255, 255, 255]);
  return Buffer.concat([ip, udp]);
}

const ethernet = (payload: string, tags = ''): Buffer => Buffer.concat([Buffer.alloc(12), Buffer.from(`${tags}0800`, 'hex'), ipv4Udp(payload)]);

function pcap(little: boolean, frames: readonly Buffer[], linkType = 1): Buffer {
  const u32 = (...values: number[]): Buffer => {
    const b = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) little ? b.writeUInt32LE(value, i * 4) : b.writeUInt32BE(value, i * 4);
    return b;
  };
  const parts = frames.flatMap((frame) => [u32(1000, 500_000, frame.length, frame.length), frame]);
  return Buffer.concat([u32(0xa1b2c3d4, little ? 0x00040002 : 0x00020004, 0, 0, 65535, linkType), ...parts]);
}

/** A section header, an interface of nanosecond clock, an enhanced block and a simple one. */
function pcapng(frame: Buffer): Buffer {
  const padded = Buffer.concat([frame, Buffer.alloc((4 - (frame.length % 4)) % 4)]);
  const block = (type: number, body: Buffer): Buffer => {
    const ends = Buffer.alloc(8);
    ends.writeUInt32LE(type, 0);
    ends.writeUInt32LE(body.length + 12, 4);
    return Buffer.concat([ends, body, ends.subarray(4)]);
  };
  const enhanced = Buffer.alloc(20);
  const ticks = 1_000_500n * 1_000_000n;
  enhanced.writeUInt32LE(Number(ticks >> 32n), 4);
  enhanced.writeUInt32LE(Number(ticks & 0xffffffffn), 8);
  enhanced.writeUInt32LE(frame.length, 12);
  const simple = Buffer.alloc(4);
  simple.writeUInt32LE(frame.length, 0);
  return Buffer.concat([
    block(0x0a0d0d0a, Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex')),
    block(1, Buffer.from('0100000000000000' + '09000100' + '09000000' + '00000000', 'hex')),
    block(6, Buffer.concat([enhanced, padded])), block(3, Buffer.concat([simple, padded])), block(99, Buffer.alloc(4)),
  ]);
}

function payloads(bytes: Uint8Array): string[] {
  const capture = readCapture(bytes);
  assert.ok(capture.ok);
  return capture.datagrams.map((d) => Buffer.from(d.payload).toString());
}

describe('capture files', () => {
  it('pcap of either byte order, with addresses, ports and time', () => {
    for (const little of [true, false]) {
      const capture = readCapture(pcap(little, [ethernet('one')]));
      assert.deepEqual(capture, { ok: true, datagrams: [{
        timeMs: 1_000_500, source: '10.0.0.1', sourcePort: 68, target: '255.255.255.255', targetPort: 67, payload: Buffer.from('one'),
      }] });
    }
  });
  it('VLAN tags, raw IP and Linux cooked frames', () => {
    assert.deepEqual(payloads(pcap(true, [ethernet('a', '81000005'), ethernet('b', '88a8000581000006')])), ['a', 'b']);
    assert.deepEqual(payloads(pcap(true, [ipv4Udp('c')], 101)), ['c']);
    assert.deepEqual(payloads(pcap(true, [Buffer.concat([Buffer.alloc(16), ipv4Udp('d')])], 113)), ['d']);
  });
  it('other protocols, fragments and cut frames are passed over', () => {
    const tcp = ethernet('x');
    tcp[23] = 6;
    const fragment = ethernet('x');
    fragment[20] = 0x20;
    assert.deepEqual(payloads(pcap(true, [tcp, fragment, ethernet('x').subarray(0, 42), Buffer.alloc(5), ethernet('ok')])), ['ok']);
  });
  it('pcapng: enhanced and simple blocks, unknown ones skipped', () => {
    assert.deepEqual(payloads(pcapng(ethernet('ng'))), ['ng', 'ng']);
    const capture = readCapture(pcapng(ethernet('ng')));
    assert.equal(capture.ok && capture.datagrams[0]?.timeMs, 1_000_500);
  });
  it('a file cut anywhere gives what is whole', () => {
    for (const whole of [pcap(true, [ethernet('one'), ethernet('two')]), pcapng(ethernet('one'))]) {
      for (let length = 0; length < whole.length; length++) {
        const capture = readCapture(whole.subarray(0, length));
        assert.equal(capture.ok, length >= 24);
      }
    }
  });
  it('anything else is not a capture', () => assert.deepEqual(readCapture(Buffer.alloc(30)), { ok: false, at: 0, why: 'not-a-capture' }));
  it(`a capture with bytes changed never throws (seed ${seed})`, () => {
    const samples = [pcap(true, [ethernet('one'), ethernet('two')]), pcapng(ethernet('one'))];
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(fc.property(fc.constantFrom(...samples), fc.array(change, { maxLength: 5 }), (sample, changes) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      readCapture(bytes);
    }), { seed, numRuns: 500 });
  });
});

describe('annotated hex', () => {
  const read = (text: string): string | number => {
    const parsed = parseHex(text);
    return parsed.ok ? Buffer.from(parsed.bytes).toString('hex') : parsed.line;
  };
  it('pairs, runs, texts and comments', () => {
    assert.equal(read('# a "comment"\n01 02AB 00*3 # more\n"a#b" ff:fe\n\n'), '0102ab000000612362fffe');
  });
  it('names the line that is not hex', () => assert.deepEqual(['01\n0', 'xy', '01\n\n"open'].map(read), [2, 1, 3]));
});
