import { Ajv } from 'ajv';
import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { renderObstacle, renderReport, renderStep } from '../../../src/cli/render-demo.js';
import { parseIp } from '../../../src/lib/core/ip.js';
import { demoSchema } from '../../../src/lib/report/demo.schema.js';
import {
  answer,
  datagram,
  echoRequest,
  internetChecksum,
  readPacket,
} from '../../../src/lib/tunnel/demo/packets.js';
import { type DemoStep, Recorder } from '../../../src/lib/tunnel/demo/recorder.js';
import { examples } from './events.js';

const plain = new Chalk({ level: 0 });
const validate = new Ajv({ strict: true }).compile(demoSchema);
const obstacle = {
  code: 'E_NO_USERNS',
  message: 'User namespaces are not available.',
  remedy: 'Allow them.',
};

/** A record of a demonstration in which everything went well. */
function goodRecorder(steps: DemoStep[] = []): Recorder {
  const recorder = new Recorder('memory', (step) => steps.push(step), obstacle);
  for (const name of [
    'exchange',
    'ike-sa-established',
    'child-sa-established',
    'child-sa-rekeyed',
    'ike-sa-rekeyed',
  ] as const) {
    recorder.clientEvent(examples[name]);
  }
  recorder.pings(30, 0);
  recorder.transfer(10_000_000, true);
  recorder.throughput({ plane: 'memory', traffic: 'udp', up: 2_345_600_000, down: 987_654_321 });
  return recorder;
}

describe('the record of a demonstration', () => {
  it('is a valid document and good when everything went well', () => {
    const report = goodRecorder().finish();
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report).toMatchObject({
      ok: true,
      problems: [],
      rekeys: { ike: 1, child: 1 },
      suites: {
        ike: examples['ike-sa-established'].proposal,
        child: examples['child-sa-established'].proposal,
      },
      exchanges: [{ exchange: 'IKE_AUTH', initiator: 'client', messageId: 1, purpose: 'authenticated' }],
    });
  });

  it.each([
    ['a lost ping', (recorder: Recorder) => recorder.pings(30, 1), '1 of 30 pings were lost.'],
    ['no ping', (recorder: Recorder) => recorder.pings(0, 0), 'No ping was sent.'],
    [
      'changed data',
      (recorder: Recorder) => recorder.transfer(10, false),
      'The data did not arrive as it was sent.',
    ],
    ['an error event', (recorder: Recorder) => recorder.clientEvent(examples.error), 'E_AUTHENTICATION'],
  ])('is not good with %s', (_what, spoil, problem) => {
    const recorder = goodRecorder();
    spoil(recorder);
    const report = recorder.finish();
    expect(report.ok).toBe(false);
    expect(report.problems.join()).toContain(problem);
    expect(validate(report)).toBe(true);
  });

  it('is not good when nothing happened', () => {
    const report = new Recorder('namespaces', () => {}).finish();
    expect(report.ok).toBe(false);
    expect(report.problems).toHaveLength(6);
    expect(validate(report)).toBe(true);
  });

  it('reads as a timeline with a sum', () => {
    const steps: DemoStep[] = [];
    const report = goodRecorder(steps).finish();
    const lines = steps.map((step) => renderStep(step, plain));
    expect(lines[0]).toMatch(/^ +\d\.\d{3} s +client → server +IKE_AUTH +authenticated$/);
    for (const line of lines) expect(line.split('\n')).toHaveLength(1);
    const sum = renderReport(report, plain);
    for (const text of [
      'memory',
      '30 sent, 0 lost',
      '1 of the child SA, 1 of the IKE SA',
      'equal',
      '✓',
      '2,346 Mbit/s up, 988 Mbit/s down (at the same time',
    ]) {
      expect(sum).toContain(text);
    }
    const throughput = { plane: 'fast', traffic: 'tcp', up: 4e9, down: 3e9 } as const;
    expect(renderReport({ ...report, throughput }, plain)).toContain(
      '4,000 Mbit/s up, 3,000 Mbit/s down (one TCP stream at a time, fast plane)',
    );
    const { throughput: _, ...unmeasured } = report;
    expect(renderReport(unmeasured, plain)).toContain('not measured');
    expect(renderReport({ ...report, ok: false, problems: ['Bad.'] }, plain)).toContain('✗ Bad.');
    expect(renderObstacle(obstacle, plain)).toContain('Allow them.');
  });
});

describe('packets of the demonstration', () => {
  const from = parseIp('10.20.0.1');
  const to = parseIp('10.10.0.1');

  it('have right checksums', () => {
    // Example of RFC 1071 section 3: the sum is ddf2, the checksum its complement.
    expect(internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(0x220d);
    const packet = echoRequest(from, to, 7);
    expect(internetChecksum(packet.subarray(0, 20))).toBe(0);
    expect(internetChecksum(packet.subarray(20))).toBe(0);
    const reply = answer(packet);
    expect(internetChecksum(reply.subarray(0, 20))).toBe(0);
    expect(internetChecksum(reply.subarray(20))).toBe(0);
  });

  it('are answered from the other end', () => {
    const request = echoRequest(from, to, 70_000);
    expect(readPacket(request)).toEqual({ kind: 'echo-request', sequence: 70_000 % 65_536 });
    const reply = answer(request);
    expect(readPacket(reply)).toEqual({ kind: 'echo-reply', sequence: 70_000 % 65_536 });
    expect([...reply.subarray(12, 20)]).toEqual([...to, ...from]);
    const payload = Uint8Array.of(1, 2, 3);
    const echo = readPacket(answer(datagram(from, to, payload)));
    expect(echo).toEqual({ kind: 'datagram', payload: Buffer.from(payload) });
  });

  it('are told from others', () => {
    expect(readPacket(new Uint8Array(4))).toBeUndefined();
    const tcp = echoRequest(from, to, 1);
    tcp[9] = 6;
    expect(readPacket(tcp)).toBeUndefined();
  });
});
