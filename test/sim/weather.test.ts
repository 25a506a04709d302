import { describe, expect, it } from 'vitest';
import { clientPolicy, serverPolicy, type Weather, World } from './world.js';

const MINUTE = 60_000;
const SEEDS = 1_000;
const storm: Weather = { loss: 0.3, duplication: 0.3, delay: [5, 300] };

/** First send to the end of the schedule of the policies in use, milliseconds. */
const WHOLE_SCHEDULE = Array.from({ length: 8 }, (_, i) => 500 * 1.6 ** i).reduce((a, b) => a + b);

type Outcome = 'match' | 'clean failure';

/** One tunnel through the storm: comes up, rekeys its child and its IKE SA, and the weather clears. */
function sail(seed: number): Outcome {
  const world = new World(seed, { weather: storm });
  const started = world.now;
  const client = world.connect(clientPolicy());
  const { ledger } = client;
  world.run(2 * MINUTE, () => ledger.children.size > 0 || client.session.closed);
  if (!client.session.closed) {
    world.command(client, { type: 'rekey-child', childId: [...ledger.children.keys()][0]! });
    world.command('server', { type: 'rekey-ike' });
    world.run(3 * MINUTE, () => client.session.closed);
  }
  const failedAt = world.now;
  world.weather = { ...storm, loss: 0, duplication: 0 };
  world.run(10 * MINUTE);

  if (client.session.closed || !ledger.ikeSa) {
    expect(failedAt - started, `seed ${seed}: gave up early`).toBeGreaterThanOrEqual(WHOLE_SCHEDULE);
    expect(ledger.ended?.error?.code, `seed ${seed}`).toMatch(/^E_(NO_ANSWER|PEER_DEAD)$/);
    expect(ledger.children.size, `seed ${seed}`).toBe(0);
    return 'clean failure';
  }
  const live = [...world.served.values()].filter((served) => !served.ended && served.ikeSa);
  const served = live.find((s) => s.ikeSa?.initiatorSpi === ledger.ikeSa?.initiatorSpi);
  if (!served) {
    // The server gave up on an exchange of its own; the client learns of it by its next request.
    const ended = [...world.served.values()].at(-1)?.ended;
    expect(ended?.error?.code, `seed ${seed}: the server's SA is gone without a reason`).toBe('E_PEER_DEAD');
    return 'clean failure';
  }
  const pairs = (side: typeof ledger, swap: boolean): string[] =>
    [...side.children.values()]
      .map((c) => (swap ? `${c.outboundSpi}-${c.inboundSpi}` : `${c.inboundSpi}-${c.outboundSpi}`))
      .sort();
  expect(pairs(served, true), `seed ${seed}: SAs differ`).toEqual(pairs(ledger, false));
  expect(ledger.children.size, `seed ${seed}`).toBe(1);
  world.command(client, { type: 'close' });
  world.run(5 * MINUTE);
  expect(client.session.spent, `seed ${seed}: something is left at the client`).toBe(true);
  expect(world.listener.size, `seed ${seed}: something is left at the server`).toBe(0);
  expect(client.wakeAt, `seed ${seed}: a timer is left`).toBeUndefined();
  return 'match';
}

describe(`30 % loss, duplication and reordering, ${SEEDS} seeds`, () => {
  it('ends with matching SAs, or fails cleanly after the whole schedule', () => {
    const outcomes = Array.from({ length: SEEDS }, (_, i) => sail(i + 1));
    const matches = outcomes.filter((outcome) => outcome === 'match').length;
    expect(matches).toBeGreaterThanOrEqual(SEEDS * 0.9);
    console.log(`matching SAs in ${matches} of ${SEEDS} seeds`);
  });
});

describe('a clock that jumps', () => {
  it.each([
    ['forwards by a day', 24 * 60 * MINUTE],
    ['backwards by an hour', -60 * MINUTE],
  ])('%s leaves a working tunnel', (_name, jump) => {
    const world = new World(11, { server: serverPolicy() });
    const client = world.connect(clientPolicy({ dpd: 30_000, rekeyChild: 10 * MINUTE }));
    world.run(MINUTE, () => client.ledger.children.size > 0);
    world.now += jump;
    world.run(2 * 60 * MINUTE);
    expect(client.ledger.ended).toBeUndefined();
    expect(client.ledger.children.size).toBe(1);
    expect(client.ledger.count('child-sa-rekeyed')).toBeGreaterThan(0);
  });
});
