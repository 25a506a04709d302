/**
 * tally.mjs FOLDER: adds up vitest's JSON reports (local.json, interop.json) and the failed steps in FOLDER, says
 * what failed, and prints "N passed, N failed" last. Exits 1 when anything failed or nothing ran. A skipped test is a
 * failure: here everything is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '.';
const failures = [];
let passed = 0;

for (const name of ['local', 'interop']) {
  const file = join(folder, `${name}.json`);
  if (!existsSync(file)) {
    failures.push(`${name}: no results`);
    continue;
  }
  for (const { name: path, status, message, assertionResults } of JSON.parse(readFileSync(file, 'utf8'))
    .testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++;
      else failures.push(`${test.status}: ${test.fullName}`);
    }
    const counted = assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && !counted) failures.push(`${path}: ${message}`);
  }
}

const steps = join(folder, 'failed-steps');
if (existsSync(steps)) {
  for (const step of readFileSync(steps, 'utf8').trim().split('\n')) {
    // Failed tests are counted one by one above; a test run that failed otherwise counts once.
    const known = ['local', 'interop'].includes(step) && failures.length > 0;
    if (!known) failures.push(`step failed: ${step}`);
  }
}

for (const failure of failures) console.log(failure);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
