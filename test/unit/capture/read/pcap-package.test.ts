import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LiveFrame, liveCapture } from '../../../../src/lib/net/live-capture.js';

vi.mock('koffi', () => {
  throw new Error('Cannot find package');
});

afterEach(() => {
  vi.doUnmock('pcap');
});

describe('live capture without koffi', () => {
  it('and without pcap says how to get either', async () => {
    vi.doMock('pcap', () => {
      throw new Error('Cannot find package');
    });
    await expect(liveCapture('lo', () => undefined, AbortSignal.timeout(1))).rejects.toMatchObject({
      kind: 'environment',
      code: 'E_NO_CAPTURE',
      exitCode: 7,
      hint: expect.stringMatching(/npm install.*tcpdump/),
    });
  });

  it('goes through pcap', async () => {
    const session = Object.assign(new EventEmitter(), { link_type: 'LINKTYPE_ETHERNET', close: vi.fn() });
    const createSession = vi.fn(() => session);
    vi.doMock('pcap', () => ({ createSession }));
    const stop = new AbortController();
    const frames: LiveFrame[] = [];
    const capturing = liveCapture('eth7', (frame) => frames.push(frame), stop.signal);
    await vi.waitUntil(() => session.listenerCount('packet') > 0);
    const buf = Buffer.from([1, 2, 3, 4, 5, 6]);
    const header = Buffer.from(new Uint32Array([7, 8, 4, 60]).buffer);
    for (const link_type of ['LINKTYPE_ETHERNET', 'LINKTYPE_STRANGE'])
      session.emit('packet', { buf, header, link_type });
    buf.fill(0);
    stop.abort();
    session.emit('packet', { buf, header, link_type: 'LINKTYPE_ETHERNET' });
    expect(await capturing).toEqual({ dropped: 0 });
    const frame = { time: 7_000_008_000n, data: new Uint8Array([1, 2, 3, 4]), originalLength: 60 };
    expect(frames).toEqual([
      { frame: 1, linkType: 1, ...frame },
      { frame: 2, linkType: 65_535, ...frame },
    ]);
    expect(createSession).toHaveBeenCalledWith('eth7', expect.anything());
    expect(session.close).toHaveBeenCalledOnce();
  });

  it('names an interface that libpcap refuses', async () => {
    const createSession = () => {
      throw new Error('eth9: No such device exists');
    };
    vi.doMock('pcap', () => ({ createSession }));
    await expect(liveCapture('eth9', () => undefined, AbortSignal.timeout(1))).rejects.toMatchObject({
      code: 'E_CAPTURE',
      message: expect.stringContaining('No such device'),
    });
  });
});
