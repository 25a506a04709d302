import { authenticationChecks } from './authentication.js';
import type { Check } from './check.js';
import { downgradeChecks } from './downgrade.js';
import { encryptionChecks } from './encryption.js';
import { integrityChecks } from './integrity.js';
import { keyExchangeChecks } from './key-exchange.js';
import { metaChecks } from './meta.js';
import { postQuantumChecks } from './post-quantum.js';
import { transportChecks } from './transport.js';
import { vendorChecks } from './vendor.js';
import { versionChecks } from './version.js';

/** Every check, in the order of its findings. Ids are part of the contract with scripts: they are never reused. */
export const catalogue: readonly Check[] = [
  ...versionChecks,
  ...encryptionChecks,
  ...integrityChecks,
  ...keyExchangeChecks,
  ...downgradeChecks,
  ...postQuantumChecks,
  ...authenticationChecks,
  ...transportChecks,
  ...vendorChecks,
  ...metaChecks,
];
