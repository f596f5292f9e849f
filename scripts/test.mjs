// `npm test`: sets itself up, checks, and runs every suite, those of the server on both databases.
// `npm run test:peers -- mender swupdate` runs the suites of the named peers alone.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePeers } from './peers.mjs'
import { startPostgres } from './postgres.mjs'
import { ensureConsoleBuilt, ensureInstalled, root, runtime } from './setup.mjs'

const args = process.argv.slice(2)
const onlyPeers = args[0] === '--peers'
const begun = Date.now()
ensureInstalled()
ensurePeers()
ensureConsoleBuilt()
const total = { pass: 0, fail: 0, skip: 0, failures: [] }

if (!onlyPeers) {
  const checked = spawnSync(process.execPath, ['scripts/check.mjs'], { cwd: root, stdio: 'inherit' })
  if (checked.status !== 0) {
    total.fail += 1
    total.failures.push('npm run check')
  }
}
const postgres = await startPostgres()
try {
  if (onlyPeers) {
    const names = args.slice(1)
    suite(
      'peers',
      (names.length > 0 ? names : ['*']).map((name) => `packages/*/tests/peers/${name}.test.ts`),
    )
  } else {
    suite('everything, on SQLite', ['packages/*/src/**/*.test.ts', 'packages/*/tests/**/*.test.ts'])
    if (postgres === undefined)
      console.log('PostgreSQL is not installed: the second run of the server’s suites is skipped')
    else {
      suite(
        'the server, on PostgreSQL',
        [
          'packages/server/src/domains/**/*.test.ts',
          'packages/server/src/platform/**/*.test.ts',
          'packages/server/tests/**/*.test.ts',
          'packages/cli/tests/postgres-backup.test.ts',
          'packages/cli/tests/operator.test.ts',
          'packages/console/tests/release-to-device.test.ts',
        ],
        {
          HOLDFAST_TEST_POSTGRES: postgres.url,
        },
      )
    }
  }
} finally {
  await postgres?.stop()
}
for (const failure of total.failures) console.log(`failed: ${failure}`)
console.log(`All suites took ${Math.round((Date.now() - begun) / 1000)} s`)
console.log(`${total.pass} passed, ${total.fail} failed, ${total.skip} skipped`)
process.exit(total.fail > 0 || total.pass === 0 ? 1 : 0)

function suite(name, files, environment = {}) {
  console.log(`\n── ${name}`)
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tally-'))
  const counts = join(directory, 'tally.json')
  const run = spawnSync(
    runtime,
    [
      '--test',
      '--test-concurrency=2',
      '--test-timeout=600000',
      '--test-reporter=dot',
      '--test-reporter-destination=stdout',
      '--test-reporter=./scripts/tally.mjs',
      `--test-reporter-destination=${counts}`,
      ...files,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } },
  )
  try {
    const tally = JSON.parse(readFileSync(counts, 'utf8'))
    for (const key of ['pass', 'fail', 'skip']) total[key] += tally[key]
    total.failures.push(...tally.failures.map((failure) => `${name}: ${failure}`))
    if (run.status !== 0 && tally.fail === 0) throw new Error(`the runner ended with ${run.status ?? run.signal}`)
  } catch (thrown) {
    total.fail += 1
    total.failures.push(`${name}: ${thrown instanceof Error ? thrown.message : thrown}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
