/** Words that guessers of VPN keys try first, beside those of any password list. */
export const vpnWords = [
  'vpn',
  'ipsec',
  'ike',
  'ikev1',
  'ikev2',
  'psk',
  'presharedkey',
  'pre-shared key',
  'preshared',
  'sharedsecret',
  'shared secret',
  'l2tp',
  'tunnel',
  'gateway',
  'site2site',
  'sitetosite',
  'site-to-site',
  'roadwarrior',
  'strongswan',
  'libreswan',
  'openswan',
  'openiked',
  'racoon',
  'softether',
  'wireguard',
  'openvpn',
  'mikrotik',
  'routeros',
  'fortinet',
  'fortigate',
  'sonicwall',
  'watchguard',
  'sophos',
  'paloalto',
  'juniper',
  'zyxel',
  'draytek',
  'lancom',
  'bintec',
  'fritzbox',
  'pfsense',
  'opnsense',
  'ubiquiti',
  'edgerouter',
  'meraki',
  'checkpoint',
  'headquarters',
  'branchoffice',
];

/** Keys that manuals print as examples and that configurations copied from them therefore carry. */
const examples = [
  'correct horse battery staple',
  'correct-horse-battery-staple',
  'correcthorsebatterystaple',
  'secret shared by two hosts',
  'shared secret with many roadwarriors',
  'This is a strong password',
  'this is the password',
  'MyVerySecretPassphrase',
  'v+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL',
];

/** strongSwan's manual and test suite, coded as in its files. */
const codedExamples = [
  Buffer.from('v+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL', 'base64'),
  Buffer.from('FpZAZqEN6Ti9sqt4ZP5EWcqx', 'base64'),
  Buffer.from('45a30759df97dc26a15b88ff', 'hex'),
];

const published = new Set(
  [...examples.map((text) => Buffer.from(text, 'utf8')), ...codedExamples].map((key) => key.toString('hex')),
);

/** Whether a manual prints exactly this key. */
export function isPublished(key: Uint8Array): boolean {
  return published.has(Buffer.from(key).toString('hex'));
}
