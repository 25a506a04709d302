import { ByteReader, concatBytes } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import { namer } from '../../ike/wire/name-table.js';
import { type CertificateSummary, summarise } from './certificates.js';
import { type Fields, uint } from './fields.js';

const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
const contentTypeName = namer('TYPE', {
  20: 'change cipher spec',
  21: 'alert',
  22: 'handshake',
  23: 'application data',
});

const HandshakeType = { clientHello: 1, serverHello: 2, certificate: 11 } as const;
/** RFC 5246 7.4, RFC 8446 4. */
const handshakeName = namer('HANDSHAKE', {
  0: 'HelloRequest',
  1: 'ClientHello',
  2: 'ServerHello',
  4: 'NewSessionTicket',
  5: 'EndOfEarlyData',
  8: 'EncryptedExtensions',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
  20: 'Finished',
  22: 'CertificateStatus',
  24: 'KeyUpdate',
});

/** RFC 5246 7.2, RFC 8446 6, RFC 6066 9. */
const alertName = namer('alert', {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
});

const versionNames = new Map([
  [0x0301, 'TLS 1.0'],
  [0x0302, 'TLS 1.1'],
  [0x0303, 'TLS 1.2'],
  [0x0304, 'TLS 1.3'],
]);
const SUPPORTED_VERSIONS = 43;
const RANDOM_BYTES = 32;

/** What is shown of one flight; honest ones have a handful of records and a few certificates. */
const MAX_RECORDS = 32;
const MAX_CERTIFICATES = 8;

/**
 * The records of a TLS flight that EAP carried, as far as they are in the clear: types of messages, versions, alerts,
 * and the certificates of TLS 1.2. What cannot be read ends the list. Never throws.
 * @param certificates summarise certificates
 */
export function describeTlsFlight(flight: Uint8Array, certificates: boolean): Fields {
  const state = new Flight(certificates);
  const reader = new ByteReader(flight);
  try {
    while (reader.remaining > 0 && state.records.length < MAX_RECORDS) {
      const type = reader.u8();
      const version = reader.u16();
      state.take(type, version, reader.bytes(reader.u16()));
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    state.incomplete = true;
  }
  return state.fields();
}

class Flight {
  readonly records: Fields[] = [];
  incomplete = false;
  readonly #summaries: (CertificateSummary | { error: string })[] = [];
  #alert: string | undefined;
  /** Of a handshake message that goes on in the next record. */
  #rest: Uint8Array = new Uint8Array(0);
  /** What follows ChangeCipherSpec is encrypted. */
  #encrypted = false;

  constructor(readonly certificates: boolean) {}

  take(type: number, version: number, data: Uint8Array): void {
    const record: Fields = { type: contentTypeName(type), version: versionName(version), bytes: data.length };
    this.records.push(record);
    if (type === ContentType.changeCipherSpec) this.#encrypted = true;
    else if (type === ContentType.alert && !this.#encrypted && data.length === 2) {
      this.#alert = alertName(data[1]!);
      record.alert = `${data[0] === 1 ? 'warning' : 'fatal'} ${this.#alert}`;
    } else if (type === ContentType.handshake && !this.#encrypted) record.messages = this.#messages(data);
    else record.encrypted = true;
  }

  fields(): Fields {
    return {
      ...(this.records.length > 0 && { records: this.records }),
      ...(this.#alert !== undefined && { alert: this.#alert }),
      ...(this.#summaries.length > 0 && { certificates: this.#summaries }),
      ...(this.incomplete && { incomplete: true }),
    };
  }

  #messages(data: Uint8Array): string[] {
    const reader = new ByteReader(concatBytes(this.#rest, data));
    const names: string[] = [];
    while (reader.remaining >= 4) {
      const at = reader.offset;
      const type = reader.u8();
      const length = uint(reader.bytes(3));
      if (length > reader.remaining) {
        this.#rest = reader.data.subarray(at);
        return names;
      }
      names.push(this.#message(type, reader.bytes(length)));
    }
    this.#rest = reader.rest();
    return names;
  }

  #message(type: number, body: Uint8Array): string {
    const name = handshakeName(type);
    const version = lenient(() => helloVersion(type, body));
    if (version !== undefined) {
      return `${name} (${type === HandshakeType.clientHello ? 'up to ' : ''}${versionName(version)})`;
    }
    if (type !== HandshakeType.certificate) return name;
    const list = lenient(() => certificateList(body)) ?? [];
    if (this.certificates) this.#summaries.push(...list.map(summarise));
    return list.length === 0 ? `${name} (none)` : name;
  }
}

function versionName(version: number): string {
  return versionNames.get(version) ?? `version ${version >> 8}.${version & 0xff}`;
}

/** The newest version that a ClientHello offers, or the one that a ServerHello chose (RFC 8446 4.2.1). */
function helloVersion(type: number, body: Uint8Array): number | undefined {
  const isClient = type === HandshakeType.clientHello;
  if (!isClient && type !== HandshakeType.serverHello) return undefined;
  const reader = new ByteReader(body);
  const legacy = reader.u16();
  reader.bytes(RANDOM_BYTES);
  reader.bytes(reader.u8());
  // Cipher suites and compression methods: lists of the client, one of each of the server.
  reader.bytes(isClient ? reader.u16() : 2);
  reader.bytes(isClient ? reader.u8() : 1);
  if (reader.remaining === 0) return legacy;
  const extensions = new ByteReader(reader.bytes(reader.u16()));
  while (extensions.remaining > 0) {
    const extension = extensions.u16();
    const data = extensions.bytes(extensions.u16());
    if (extension === SUPPORTED_VERSIONS) return newest(isClient ? data.subarray(1) : data) ?? legacy;
  }
  return legacy;
}

/** Unknown numbers are placeholders that keep servers tolerant (RFC 8701). */
function newest(list: Uint8Array): number | undefined {
  const known: number[] = [];
  for (let at = 0; at + 1 < list.length; at += 2) {
    const version = uint(list.subarray(at, at + 2));
    if (versionNames.has(version)) known.push(version);
  }
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The Certificate message of TLS 1.2 (RFC 5246 7.4.2); that of TLS 1.3 is encrypted. */
function certificateList(body: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(body);
  const list = new ByteReader(reader.bytes(uint(reader.bytes(3))));
  const found: Uint8Array[] = [];
  while (list.remaining > 0 && found.length < MAX_CERTIFICATES) found.push(list.bytes(uint(list.bytes(3))));
  return found;
}

function lenient<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
