import * as Flags from '@oclif/core/flags';
import { authFlags } from './credentials-flags.js';

/** Lifetimes in seconds-and-hours notation; `0` is never. */
const lifetime = (description: string, fallback: string) =>
  Flags.string({
    description: `${description}; 0: never`,
    helpValue: '<duration>',
    default: fallback,
    helpGroup: 'LIFETIME',
  });

const port = (description: string, fallback: number) =>
  Flags.integer({
    description,
    helpValue: '<port>',
    min: 0,
    max: 65535,
    default: fallback,
    helpGroup: 'NETWORK',
  });

/** Flags that every command of this package has. */
export const commonFlags = {
  stats: Flags.string({
    description: 'report counters of traffic so often, e.g. 5s; at any time on the signal SIGUSR1',
    helpValue: '<duration>',
    helpGroup: 'OUTPUT',
  }),
  verbose: Flags.boolean({
    char: 'v',
    description: 'also show exchanges and diagnostics, on stderr',
    helpGroup: 'OUTPUT',
  }),
  color: Flags.boolean({
    description: 'colours on a terminal; NO_COLOR in the environment turns them off too',
    allowNo: true,
    default: true,
    helpGroup: 'OUTPUT',
  }),
};

/** What `connect` and `serve` share. */
export const tunnelFlags = {
  ...commonFlags,
  ...authFlags,
  ike: Flags.string({
    description:
      'proposals for the IKE SA in strongSwan keywords, comma-separated, best first, e.g. aes256gcm16-prfsha256-x25519; "default" stands for the built-in list',
    helpValue: '<proposals>',
    helpGroup: 'ALGORITHMS',
  }),
  esp: Flags.string({
    description:
      'proposals for child SAs, e.g. aes256gcm16-x25519 (with perfect forward secrecy when rekeyed) or aes256-sha256',
    helpValue: '<proposals>',
    helpGroup: 'ALGORITHMS',
  }),
  'local-ts': Flags.string({
    description: "this side's networks, CIDR, comma-separated or repeated",
    helpValue: '<cidr,...>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'NETWORK',
  }),
  'remote-ts': Flags.string({
    description: "the peer's networks, CIDR, comma-separated or repeated",
    helpValue: '<cidr,...>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'NETWORK',
  }),
  port: port('UDP port for IKE: of the gateway (connect), to listen on (serve; 0: any free one)', 500),
  'nat-port': port(
    'UDP port for IKE and ESP in UDP (RFC 3948): of the gateway (connect), to listen on (serve)',
    4500,
  ),
  encap: Flags.boolean({
    description:
      'carry ESP in UDP even where no NAT is found (the default); --no-encap at both ends carries it as IP protocol 50 then, which takes --plane fast and the right to open raw sockets',
    allowNo: true,
    default: true,
    helpGroup: 'NETWORK',
  }),
  'full-transcript': Flags.option({
    description:
      'authenticate both first messages with peers that can, so that nobody on the path weakens them (draft-ietf-ipsecme-ikev2-downgrade-prevention)',
    options: ['yes', 'no'] as const,
    default: 'yes',
    helpGroup: 'NETWORK',
  })(),
  fragmentation: Flags.option({
    description:
      'cut IKE messages that do not fit into one datagram into pieces, when both sides can (RFC 7383); certificates often need it',
    options: ['yes', 'no'] as const,
    default: 'yes',
    helpGroup: 'NETWORK',
  })(),
  'fragment-size': Flags.integer({
    description:
      'largest IP datagram with a piece of an IKE message; default: chosen for the path, and smaller when nothing comes back',
    helpValue: '<bytes>',
    min: 300,
    max: 65_535,
    helpGroup: 'NETWORK',
  }),
  mtu: Flags.integer({
    description:
      'largest packet inside the tunnel, 576 to 65280 bytes; default: what fits the interface, 1400 at most',
    helpValue: '<bytes>',
    min: 576,
    max: 65_280,
    helpGroup: 'NETWORK',
  }),
  df: Flags.option({
    description:
      "Don't Fragment of packets outside (RFC 4301 8.1). copy: as inside; set: always; clear: never. With it, what does not fit the path is answered with ICMP; without it, cut into fragments outside",
    options: ['copy', 'set', 'clear'] as const,
    default: 'copy',
    helpGroup: 'NETWORK',
  })(),
  dscp: Flags.string({
    description:
      'traffic class of packets outside: "copy" of that inside, "clear", or a number from 0 to 63 (RFC 2474); ECN is always copied (RFC 6040)',
    helpValue: '<dscp>',
    default: 'copy',
    helpGroup: 'NETWORK',
  }),
  'mss-clamp': Flags.string({
    description:
      'largest TCP segment that connections through the tunnel agree on: "auto" for what fits, "off", or 536 to 65495 bytes',
    helpValue: '<bytes>',
    default: 'auto',
    helpGroup: 'NETWORK',
  }),
  plane: Flags.option({
    description:
      'what carries the traffic: fast needs 64-bit Linux, simple works on all; auto takes fast where it can be had',
    options: ['auto', 'fast', 'simple'] as const,
    default: 'auto',
    helpGroup: 'NETWORK',
  })(),
  'tun-name': Flags.string({
    description: 'name of the network device; default: chosen by the system',
    helpValue: '<name>',
    helpGroup: 'NETWORK',
  }),
  keylog: Flags.string({
    description:
      'write all keys of this tunnel into this folder, for tshark (ikev2_decryption_table, esp_sa) and as keys.json; whoever reads them reads the traffic',
    helpValue: '<folder>',
    helpGroup: 'OUTPUT',
  }),
  'rekey-ike': lifetime('renew the keys of the IKE SA after this time', '4h'),
  'rekey-child': lifetime('renew the keys of a child SA after this time', '1h'),
  'rekey-child-bytes': Flags.string({
    description:
      'renew the keys of a child SA after so many bytes of inner packets in one direction as well, e.g. 500M, 1G (units of 1024; at least 64K); after twice as many it ends, so take much more than flows while a rekey goes on; 0: only where the cipher needs it (64M with 64-bit blocks)',
    helpValue: '<size>',
    default: '0',
    helpGroup: 'LIFETIME',
  }),
  dpd: lifetime('ask a silent peer for a sign of life after this time', '30s'),
  duration: Flags.string({
    description: 'leave by itself after this time',
    helpValue: '<duration>',
    helpGroup: 'LIFETIME',
  }),
  format: Flags.option({
    description: 'events as readable lines, or as JSON, one object a line (schema ipsec-kit/event@1)',
    options: ['text', 'ndjson'] as const,
    default: 'text',
    helpGroup: 'OUTPUT',
  })(),
};
