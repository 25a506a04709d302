// Loaded before the command: every signature it makes is wrong by one bit.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

const { sign } = crypto;
crypto.sign = (...words) => {
  const signature = sign(...words);
  signature[signature.length - 1] ^= 1;
  return signature;
};
syncBuiltinESMExports();
