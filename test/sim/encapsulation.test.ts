import { describe, expect, it } from 'vitest';
import { IkeSa } from '../../src/lib/ike/session/ike-sa.js';
import { clientPolicy, type Ledger, serverPolicy, World } from './world.js';

const MINUTE = 60_000;

/** How ESP of all pairs travels, as one side has it, and whether IKE went to port 4500. */
function ways({ children, ikeSa }: Ledger) {
  return { esp: [...children.values()].map(({ encapsulation }) => encapsulation), natT: ikeSa?.path.natT };
}

describe('how ESP travels', () => {
  it.each([
    { client: true, server: true, nat: false, expected: 'udp' },
    { client: true, server: false, nat: false, expected: 'udp' },
    { client: false, server: true, nat: false, expected: 'udp' },
    { client: false, server: false, nat: true, expected: 'udp' },
    { client: false, server: false, nat: false, expected: 'none' },
  ] as const)(
    'is the same on both sides, and stays so: client claims $client, server $server, NAT $nat',
    (by) => {
      const world = new World(7, { server: serverPolicy({ encap: by.server }) });
      world.tamper = () => false;
      const client = world.connect(clientPolicy({ encap: by.client }));
      // The first message is lost; the next one goes through the NAT, if there is one.
      if (by.nat) client.natPort = 61_234;
      world.tamper = undefined;
      world.run(MINUTE, () => client.ledger.children.size > 0);
      const sides = [client.ledger, world.latestServed];
      const expected = { esp: [by.expected], natT: by.expected === 'udp' };
      expect(sides.map(ways)).toEqual([expected, expected]);
      for (const side of [client, 'server'] as const) {
        world.command(side, { type: 'rekey-ike' });
        world.run(MINUTE);
        const [childId] = [...(side === 'server' ? world.latestServed : client.ledger).children.keys()];
        world.command(side, { type: 'rekey-child', childId: childId! });
        world.run(MINUTE);
        expect(sides.map(ways)).toEqual([expected, expected]);
      }
      expect(client.ledger.events.filter(({ type }) => type === 'child-sa-rekeyed')).toHaveLength(2);
    },
  );

  it('does not follow from the port of IKE: peers move there without a NAT too', () => {
    const place = (port: number) => ({ address: '192.0.2.1', port });
    const at = (port: number, natT: boolean) =>
      new IkeSa('responder', 1n, { local: place(port), remote: place(port), natT }, 0);
    expect(at(4500, true).encapsulation).toBe('none');
    for (const sign of ['natClaimed', 'peerBehindNat', 'weAreBehindNat'] as const) {
      expect(Object.assign(at(4500, true), { [sign]: true }).encapsulation).toBe('udp');
      // RFC 7296 2.23: never from port 500.
      expect(Object.assign(at(500, false), { [sign]: true }).encapsulation).toBe('none');
    }
  });
});
