import { endianness } from 'node:os';
import type { Address } from '../core/arena.js';
import { KitError } from '../core/errors.js';

/**
 * Functions of the OpenSSL inside the node binary, called by way of the optional package koffi. A call of node:crypto
 * makes objects for each packet, which costs several times what AES-GCM costs for 1,400 bytes; here a context is made
 * once for a key. Nothing behind this table checks an address or a length: they come from `PinnedBytes`, which does. Those
 * that give back a number give 1 when all is well, where nothing else is said.
 */
export interface EvpFunctions {
  /** A cipher context; 0 when there is none. */
  newContext(): Address | 0;
  freeContext(context: Address): void;
  /** 0 for an unknown name. */
  cipherByName(name: string): Address | 0;
  /** A 0 keeps what the context has; `encrypt` is 1, 0 for decryption, or -1 to keep the direction. */
  init(
    context: Address,
    cipher: Address | 0,
    engine: 0,
    key: Address | 0,
    iv: Address | 0,
    encrypt: 0 | 1 | -1,
  ): number;
  /** As {@link init}, with an array of OSSL_PARAM that is set afterwards. */
  initWith(
    context: Address,
    cipher: Address | 0,
    key: Address | 0,
    iv: Address | 0,
    encrypt: 0 | 1 | -1,
    parameters: Address,
  ): number;
  /** Writes what an array of OSSL_PARAM asks for to where it says. */
  getParameters(context: Address, parameters: Address): number;
  setPadding(context: Address, padding: 0 | 1): number;
  control(context: Address, command: number, value: number, pointer: Address | 0): number;
  /**
   * `outLength` is where a 32-bit number goes. Without `out` the data are only authenticated; without data too, CCM is
   * told how many there will be.
   */
  update(context: Address, out: Address | 0, outLength: Address, data: Address | 0, length: number): number;
  /**
   * EVP_CipherFinal_ex: the verdict upon the ICV of GCM and ChaCha20-Poly1305. EVP_Cipher without data is no substitute:
   * it says yes to any ICV of ChaCha20-Poly1305.
   */
  final(context: Address, out: Address, outLength: Address): number;
  /** A context of a MAC; 0 for an unknown name. */
  newMac(name: string): Address | 0;
  freeMac(mac: Address): void;
  /** Begins a MAC; without key (0, 0) with the one it has. `parameters` is an array of OSSL_PARAM. */
  macInit(mac: Address, key: Address | 0, keyLength: number, parameters: Address | 0): number;
  macUpdate(mac: Address, data: Address, length: number): number;
  /** `outLength` is where a 64-bit number goes. */
  macFinal(mac: Address, out: Address, outLength: Address, outSize: number): number;
  /** CRYPTO_memcmp, in constant time; 0 when equal. */
  compare(a: Address, b: Address, length: number): number;
  /** Forgets what OpenSSL noted about failures in this thread: node:crypto reads the same list. */
  clearErrors(): void;
  /** Where an array outside of the heap of JavaScript is. */
  address(of: Uint8Array): Address;
}

let loaded: EvpFunctions | undefined;

/**
 * Loads the functions, once.
 * @throws {KitError} `E_NO_KOFFI` or `E_NO_OPENSSL` (environment)
 */
export async function loadEvp(): Promise<EvpFunctions> {
  loaded ??= bind(await loadKoffi());
  return loaded;
}

/**
 * What {@link loadEvp} loaded.
 * @throws {KitError} `E_NO_OPENSSL` (bug) before that
 */
export function loadedEvp(): EvpFunctions {
  if (loaded === undefined) throw new KitError('bug', 'E_NO_OPENSSL', 'OpenSSL is used before it is loaded');
  return loaded;
}

type Koffi = typeof import('koffi').default;

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new KitError(
      'environment',
      'E_NO_KOFFI',
      'The optional package koffi is missing or does not load',
      { hint: 'Install it with `npm install koffi`.', cause },
    );
  }
}

function bind(koffi: Koffi): EvpFunctions {
  try {
    // OSSL_PARAM and the numbers that come back are laid out for such machines.
    if (koffi.sizeof('void *') !== 8 || endianness() !== 'LE')
      throw new Error('not a 64-bit little-endian CPU');
    const lib = koffi.load(null);
    const pointer = 'uintptr_t';
    const newContext = lib.func('EVP_CIPHER_CTX_new', pointer, []);
    const cipherByName = lib.func('EVP_get_cipherbyname', pointer, ['str']);
    const fetchMac = lib.func('EVP_MAC_fetch', pointer, [pointer, 'str', pointer]);
    const newMac = lib.func('EVP_MAC_CTX_new', pointer, [pointer]);
    const dropMac = lib.func('EVP_MAC_free', 'void', [pointer]);
    return {
      newContext: () => Number(newContext()) as Address | 0,
      freeContext: lib.func('EVP_CIPHER_CTX_free', 'void', [pointer]),
      cipherByName: (name) => Number(cipherByName(name)) as Address | 0,
      init: lib.func('EVP_CipherInit_ex', 'int', [pointer, pointer, pointer, pointer, pointer, 'int']),
      initWith: lib.func('EVP_CipherInit_ex2', 'int', [pointer, pointer, pointer, pointer, 'int', pointer]),
      getParameters: lib.func('EVP_CIPHER_CTX_get_params', 'int', [pointer, pointer]),
      setPadding: lib.func('EVP_CIPHER_CTX_set_padding', 'int', [pointer, 'int']),
      control: lib.func('EVP_CIPHER_CTX_ctrl', 'int', [pointer, 'int', 'int', pointer]),
      update: lib.func('EVP_CipherUpdate', 'int', [pointer, pointer, pointer, pointer, 'int']),
      final: lib.func('EVP_CipherFinal_ex', 'int', [pointer, pointer, pointer]),
      newMac: (name) => {
        const mac = Number(fetchMac(0, name, 0)) as Address | 0;
        if (mac === 0) return 0;
        const context = Number(newMac(mac)) as Address | 0;
        // The context holds on to it.
        dropMac(mac);
        return context;
      },
      freeMac: lib.func('EVP_MAC_CTX_free', 'void', [pointer]),
      macInit: lib.func('EVP_MAC_init', 'int', [pointer, pointer, 'size_t', pointer]),
      macUpdate: lib.func('EVP_MAC_update', 'int', [pointer, pointer, 'size_t']),
      macFinal: lib.func('EVP_MAC_final', 'int', [pointer, pointer, pointer, 'size_t']),
      compare: lib.func('CRYPTO_memcmp', 'int', [pointer, pointer, 'size_t']),
      clearErrors: lib.func('ERR_clear_error', 'void', []),
      address: (of) => Number(koffi.address(of)) as Address,
    };
  } catch (cause) {
    throw new KitError(
      'environment',
      'E_NO_OPENSSL',
      'The functions of OpenSSL are not to be had from this node',
      {
        hint: 'Use a binary of nodejs.org for a 64-bit machine, or the plane `simple`.',
        cause,
      },
    );
  }
}
