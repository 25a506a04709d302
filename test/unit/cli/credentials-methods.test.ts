import { describe, expect, it } from 'vitest';
import {
  type ClientAuthFlagValues,
  clientMethods,
  type Methods,
  type ServerAuthFlagValues,
  serverMethods,
} from '../../../src/cli/credentials-methods.js';

const defaults = {
  'allow-sha1': false,
  'crl-policy': 'soft',
  'clock-skew': '0',
  'psk-stdin': false,
  'weak-psk-ok': false,
  'insecure-permissions': false,
} as const;

type ClientFlags = Partial<ClientAuthFlagValues>;
type ServerFlags = Partial<ServerAuthFlagValues>;

const client = (flags: ClientFlags) => clientMethods({ ...defaults, ...flags });
const server = (flags: ServerFlags) => serverMethods({ ...defaults, ...flags });

/** `local | alternative | alternative`, rounds joined by +. */
const text = ({ local, remote }: Methods): string =>
  [local, ...remote].map((rounds) => rounds.join('+')).join(' | ');

const cert = { cert: ['alice.p12'] };
const ca = { ca: ['ca.crt'] };
const user = { 'eap-user': 'alice' };
const users = { users: 'users.txt' };

describe('connect', () => {
  it.each<[ClientFlags, string]>([
    [{}, 'psk | psk'],
    [{ 'psk-file': 'psk' }, 'psk | psk'],
    [ca, 'psk | cert'],
    [{ ...cert, ...ca }, 'cert | cert'],
    [{ ...user, ...ca }, 'eap-mschapv2 | cert'],
    [{ ...user, ...ca, auth: 'eap-md5' }, 'eap-md5 | cert'],
    [{ ...cert, ...ca, auth: 'eap-tls' }, 'eap-tls | cert'],
    [{ ...cert, ...ca, ...user, auth: 'eap-tls' }, 'eap-tls | cert'],
    [{ ...cert, ...ca, auth: 'eap-tls', 'server-auth': 'eap-only' }, 'eap-tls | eap-only'],
    [{ ...cert, ...ca, ...user, auth: 'cert+eap-mschapv2' }, 'cert+eap-mschapv2 | cert'],
    [{ ...cert, ...ca, ...user, auth: ' CERT + EAP-MSCHAPv2 ' }, 'cert+eap-mschapv2 | cert'],
    [{ ...cert, 'server-auth': 'psk' }, 'cert | psk'],
    [{ ...user, 'server-auth': 'psk' }, 'eap-mschapv2 | psk'],
    [{ ...ca, auth: 'psk', 'server-auth': 'cert+psk' }, 'psk | cert+psk'],
    [{ ...ca, auth: 'null' }, 'null | cert'],
    [{ auth: 'null', 'server-auth': 'null' }, 'null | null'],
  ])('%j authenticates by %s', (flags, expected) => {
    expect(text(client(flags))).toBe(expected);
  });

  it.each<[ClientFlags, string, string]>([
    [{ auth: 'rsa' }, 'E_AUTH_METHOD', 'psk, cert, eap-mschapv2'],
    [{ auth: 'eap-only' }, 'E_AUTH_METHOD', 'psk, cert'],
    [{ auth: '' }, 'E_AUTH_METHOD', 'psk, cert'],
    [{ auth: 'psk+psk' }, 'E_AUTH_ROUNDS', 'once'],
    [{ auth: 'psk+null' }, 'E_AUTH_ROUNDS', 'out'],
    [{ ...cert, ...ca, ...user, auth: 'cert+eap-tls+eap-mschapv2' }, 'E_AUTH_ROUNDS', 'EAP'],
    [{ auth: 'psk+cert+null+eap-md5+eap-tls' }, 'E_AUTH_ROUNDS', 'Two'],
    [{ auth: 'cert', ...ca }, 'E_NO_CERT', '--cert'],
    [{ auth: 'eap-tls', ...ca }, 'E_NO_CERT', '--cert'],
    [{ key: 'alice.key' }, 'E_AUTH_UNUSED', '--auth'],
    [cert, 'E_NO_CA', '--ca system'],
    [user, 'E_NO_CA', '--ca'],
    [{ 'server-auth': 'cert' }, 'E_NO_CA', '--ca'],
    [{ auth: 'eap-mschapv2', ...ca }, 'E_NO_EAP_USER', '--eap-user'],
    [{ auth: 'eap-mschapv2', ...user, 'server-auth': 'eap-only' }, 'E_EAP_ONLY', 'eap-tls'],
    [{ 'server-auth': 'eap-only' }, 'E_EAP_ONLY', 'eap-tls'],
    [{ ...cert, auth: 'psk' }, 'E_AUTH_UNUSED', '--cert'],
    [{ ...cert, ...ca, ...user }, 'E_AUTH_UNUSED', '--auth'],
    [{ ...ca, 'server-auth': 'psk' }, 'E_AUTH_UNUSED', '--ca'],
    [{ crl: ['ca.crl'] }, 'E_AUTH_UNUSED', '--crl'],
    [{ ...user, auth: 'psk' }, 'E_AUTH_UNUSED', '--eap-user'],
    [{ ...cert, ...ca, auth: 'eap-tls', 'eap-password-file': 'p' }, 'E_AUTH_UNUSED', '--eap-password-file'],
    [{ ...cert, ...ca, 'psk-file': 'psk' }, 'E_AUTH_UNUSED', '--psk-file'],
    [{ ...cert, ...ca, 'psk-stdin': true }, 'E_AUTH_UNUSED', '--psk-stdin'],
    [{ 'rsa-signature': 'pkcs1' }, 'E_AUTH_UNUSED', '--rsa-signature'],
    [{ 'ocsp-response': 'o.der' }, 'E_AUTH_UNUSED', '--ocsp-response'],
  ])('%j is refused with %s', (flags, code, hint) => {
    expect(() => client(flags)).toThrow(
      expect.objectContaining({ kind: 'usage', code, hint: expect.stringContaining(hint) }),
    );
  });

  it.each<[ClientFlags, string[]]>([
    [{}, []],
    [{ ...user, ...ca }, []],
    [{ ...cert, ...ca, auth: 'eap-tls', 'server-auth': 'eap-only' }, []],
    [{ ...user, 'server-auth': 'psk' }, ['W_EAP_WITHOUT_CERT']],
    [{ ...user, 'server-auth': 'null' }, ['W_EAP_WITHOUT_CERT', 'W_NULL_AUTH']],
    [{ auth: 'null', 'server-auth': 'null' }, ['W_NULL_AUTH', 'W_NULL_AUTH']],
  ])('%j warns of %j', (flags, codes) => {
    expect(client(flags).warnings.map(({ code }) => code)).toEqual(codes);
  });
});

describe('serve', () => {
  it.each<[ServerFlags, string]>([
    [{}, 'psk | psk'],
    [{ ...cert, ...ca }, 'cert | cert'],
    [{ ...cert, ...users }, 'cert | eap-mschapv2'],
    [{ ...cert, ...ca, ...users }, 'cert | cert | eap-mschapv2'],
    [cert, 'cert | psk'],
    [ca, 'psk | cert'],
    [{ ...cert, ...ca, 'client-auth': ['cert,psk'], 'psk-file': 'psk' }, 'cert | cert | psk'],
    [
      { ...cert, ...ca, ...users, 'client-auth': ['eap-tls', 'eap-md5, eap-mschapv2'] },
      'cert | eap-tls | eap-md5 | eap-mschapv2',
    ],
    [{ ...cert, ...ca, ...users, 'client-auth': ['cert+eap-mschapv2'] }, 'cert | cert+eap-mschapv2'],
    [{ auth: 'psk', ...users }, 'psk | eap-mschapv2'],
    [{ auth: 'eap-only', ...cert, ...ca, 'client-auth': ['eap-tls'] }, 'eap-only | eap-tls'],
    [{ ...cert, 'client-auth': ['null'] }, 'cert | null'],
    [{ auth: 'null' }, 'null | psk'],
  ])('%j authenticates by %s', (flags, expected) => {
    expect(text(server(flags))).toBe(expected);
  });

  it.each<[ServerFlags, string, string]>([
    [{ auth: 'eap-mschapv2' }, 'E_AUTH_METHOD', 'psk, cert'],
    [{ 'client-auth': ['psk,eap-only'] }, 'E_AUTH_METHOD', 'eap-mschapv2'],
    [{ 'client-auth': ['psk,'] }, 'E_AUTH_METHOD', 'psk'],
    [{ 'client-auth': Array.from({ length: 17 }, () => 'psk') }, 'E_AUTH_METHOD', 'commas'],
    [{ 'client-auth': ['psk+null'] }, 'E_AUTH_ROUNDS', 'out'],
    [{ auth: 'cert' }, 'E_NO_CERT', '--cert'],
    [{ auth: 'psk', ...ca, 'client-auth': ['eap-tls'] }, 'E_NO_CERT', '--cert'],
    [{ ...cert, 'client-auth': ['cert'] }, 'E_NO_CA', '--ca'],
    [{ ...cert, 'client-auth': ['eap-mschapv2'] }, 'E_NO_USERS', '--users'],
    [users, 'E_EAP_NEEDS_CERT', '--cert'],
    [{ auth: 'eap-only', ...users }, 'E_EAP_ONLY', 'eap-tls'],
    [{ ...cert, ...ca, ...users, 'client-auth': ['cert'] }, 'E_AUTH_UNUSED', '--client-auth'],
    [{ ...cert, ...ca, 'client-auth': ['psk'] }, 'E_AUTH_UNUSED', '--ca'],
    [{ ...cert, ...ca, 'psk-file': 'psk' }, 'E_AUTH_UNUSED', '--psk-file'],
    [{ ...cert, auth: 'psk' }, 'E_AUTH_UNUSED', '--cert'],
  ])('%j is refused with %s', (flags, code, hint) => {
    expect(() => server(flags)).toThrow(
      expect.objectContaining({ kind: 'usage', code, hint: expect.stringContaining(hint) }),
    );
  });

  it.each<[ServerFlags, string[]]>([
    [{ ...cert, ...ca, ...users }, []],
    [{ auth: 'psk', ...users }, ['W_EAP_WITHOUT_CERT']],
    [{ auth: 'null', ...users }, ['W_EAP_WITHOUT_CERT', 'W_NULL_AUTH']],
    [{ ...cert, 'client-auth': ['null'] }, ['W_NULL_AUTH']],
  ])('%j warns of %j', (flags, codes) => {
    expect(server(flags).warnings.map(({ code }) => code)).toEqual(codes);
  });
});
