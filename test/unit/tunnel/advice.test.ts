import { describe, expect, it } from 'vitest';
import { anySelector, selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { parseAddresses } from '../../../src/lib/tunnel/addresses.js';
import { type AdviceFacts, type HostState, hostAdvice } from '../../../src/lib/tunnel/advice.js';

const facts: AdviceFacts = {
  pools: ['10.9.0.0/24', 'fd00:9::/64'],
  localTs: [anySelector(4), anySelector(6)],
  device: 'tun7',
  addresses: [{ device: 'eth0', address: '192.0.2.1' }],
};
const nothing: HostState = { forwardsIpv4: false, forwardsIpv6: false, ruleset: '' };
const all: HostState = {
  forwardsIpv4: true,
  forwardsIpv6: true,
  ruleset:
    'table inet nat {\n\tchain post {\n\t\ttype nat hook postrouting priority 100;\n\t\tmasquerade\n\t}\n}',
};
const missing = (changes: Partial<AdviceFacts>, host: HostState) =>
  hostAdvice({ ...facts, ...changes }, host).map((advice) => advice.missing);

describe('hostAdvice', () => {
  it('names what is missing and the commands for it', () => {
    const advice = hostAdvice({ ...facts, localTs: [anySelector(4)] }, nothing);
    expect(advice.map(({ commands }) => commands)).toEqual([
      ['sysctl -w net.ipv4.ip_forward=1'],
      [
        'nft add table inet ipsec-kit',
        "nft add chain inet ipsec-kit postrouting '{ type nat hook postrouting priority srcnat; }'",
        'nft add rule inet ipsec-kit postrouting ip saddr 10.9.0.0/24 oifname != "tun7" masquerade',
      ],
    ]);
    expect(hostAdvice(facts, nothing)).toHaveLength(4);
  });

  it('is silent about a host that has all', () => {
    expect(hostAdvice(facts, all)).toEqual([]);
  });

  it('does not take the NAT of another family for its own', () => {
    const ruleset = 'table ip nat {\n\t\tmasquerade\n}\ntable ip6 filter {\n}';
    expect(missing({}, { ...all, ruleset })).toEqual([expect.stringContaining('private IPv6')]);
    expect(missing({}, { ...all, ruleset: undefined })).toHaveLength(2);
  });

  it('asks for no NAT of public addresses, nor where only a private network is granted', () => {
    expect(missing({ pools: ['198.51.100.0/24', '2001:db8::/64'] }, { ...all, ruleset: '' })).toEqual([]);
    expect(missing({ localTs: [selectorFromCidr('10.1.0.0/16')] }, { ...all, ruleset: '' })).toEqual([]);
  });

  it('asks for nothing when clients may reach the host alone', () => {
    expect(missing({ localTs: [selectorFromCidr('192.0.2.1/32')] }, nothing)).toEqual([]);
    expect(missing({ localTs: [selectorFromCidr('192.0.2.2/32')] }, nothing)).toHaveLength(1);
  });
});

describe('parseAddresses', () => {
  it('reads what ip prints, and nothing else', () => {
    const json = JSON.stringify([
      {},
      {
        ifname: 'eth0',
        addr_info: [
          { family: 'inet', local: '192.0.2.1', prefixlen: 24 },
          { family: 'inet6', local: '2001:db8::1', tentative: true },
          { family: 'inet6', local: '2001:db8::2', dadfailed: true },
          {},
        ],
      },
    ]);
    expect(parseAddresses(json)).toEqual([
      { device: 'eth0', address: '192.0.2.1', tentative: false },
      { device: 'eth0', address: '2001:db8::1', tentative: true },
    ]);
    expect(parseAddresses('1: lo: <LOOPBACK>')).toBeUndefined();
  });
});
