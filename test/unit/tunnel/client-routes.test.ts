import { describe, expect, it } from 'vitest';
import { selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { ClientRoutes } from '../../../src/lib/tunnel/client-routes.js';
import { childSaInfo, path } from './fixtures.js';

const PEER = path.remote.address;

function setUp() {
  const said: string[] = [];
  const note = (verb: string) => async (what: string | { to: string }) => {
    said.push(`${verb} ${typeof what === 'string' ? what : what.to}`);
  };
  const network = {
    protect: note('pin'),
    unprotect: note('unpin'),
    addRoute: note('add'),
    removeRoute: note('remove'),
  };
  const routes = new ClientRoutes(
    network,
    () => 'tun0',
    async (to) => ({ to, device: 'tun0' }),
  );
  return { said, routes };
}

const child = (id: string, ...remoteTs: string[]) =>
  childSaInfo('aes256gcm16', {
    id,
    localTs: [selectorFromCidr('10.2.0.0/16')],
    remoteTs: remoteTs.map(selectorFromCidr),
  });

describe('ClientRoutes', () => {
  it('come with the first child SA that wants them and go with the last', async () => {
    const { said, routes } = setUp();
    await routes.add(child('c1', '10.1.0.0/16'));
    await routes.add(child('c2', '10.1.0.0/16', '10.3.0.0/16'));
    await routes.remove(child('c1', '10.1.0.0/16'));
    await routes.remove(child('c2', '10.1.0.0/16', '10.3.0.0/16'));
    expect(said).toEqual(['add 10.1.0.0/16', 'add 10.3.0.0/16', 'remove 10.1.0.0/16', 'remove 10.3.0.0/16']);
  });

  it('keep the path to a peer pinned while any of its child SAs covers it', async () => {
    const { said, routes } = setUp();
    const wide = child('c1', '0.0.0.0/0');
    const narrow = child('c2', '10.3.0.0/16');
    const successor = child('c3', '0.0.0.0/0');
    await routes.add(wide);
    await routes.add(narrow);
    await routes.remove(narrow);
    await routes.add(successor);
    await routes.remove(wide);
    expect(said).not.toContain(`unpin ${PEER}`);
    await routes.remove(successor);
    expect(said.slice(-3)).toEqual(['remove 0.0.0.0/1', 'remove 128.0.0.0/1', `unpin ${PEER}`]);
  });

  it('unpin where a peer was when it has moved, and where it is at the end', async () => {
    const { said, routes } = setUp();
    const [first, second] = [child('c1', '0.0.0.0/0'), child('c2', '10.3.0.0/16')];
    await routes.add(first);
    await routes.add(second);
    // Another client behind the same NAT.
    const other = child('c3', '198.51.100.0/24');
    await routes.add(other);
    await routes.move([first, second], '203.0.113.9');
    expect(said).not.toContain(`unpin ${PEER}`);
    await routes.move([other], '192.0.2.99');
    expect(said.at(-1)).toBe(`unpin ${PEER}`);
    await routes.remove(second);
    expect(said).not.toContain('unpin 203.0.113.9');
    await routes.remove(first);
    expect(said.at(-1)).toBe('unpin 203.0.113.9');
  });

  it('unpin where the peer was, not where it has moved', async () => {
    const { said, routes } = setUp();
    const before = child('c1', '0.0.0.0/0');
    await routes.add(before);
    const remote = { address: '203.0.113.9', port: 4500 };
    await routes.remove({ ...before, path: { ...path, remote } });
    expect(said.at(-1)).toBe(`unpin ${PEER}`);
  });
});
