import { algorithmCheck } from './algorithm-check.js';
import type { Check } from './check.js';

const md5 = algorithmCheck({
  id: 'IKE-INT-001',
  topic: 'MD5 and DES-MAC',
  title: 'MD5 or DES-MAC is accepted as PRF or for integrity',
  references: ['RFC 8247 2.2', 'RFC 8247 2.3', 'RFC 6151'],
  what: 'the MD5 family and DES-MAC',
  why: 'RFC 8247 forbids them: collisions of MD5 are cheap, and transcript attacks use them.',
});

const sha1 = algorithmCheck({
  id: 'IKE-INT-002',
  topic: 'SHA-1',
  title: 'SHA-1 is accepted as PRF or for integrity',
  references: ['RFC 8247 2.2', 'RFC 8247 2.3', 'RFC 6194'],
  what: 'SHA-1',
  why: 'HMAC-SHA-1 is not broken, but on its way out (MUST- in RFC 8247), and SHA-2 costs nothing more.',
});

export const integrityChecks: readonly Check[] = [md5, sha1];
