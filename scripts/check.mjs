// `npm run check`: types, architecture, lint and format, dead code. Everything runs; the first failure does not hide the others.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root, runtime } from './setup.mjs'

ensureInstalled()
const bin = (name) => join(root, 'node_modules', '.bin', name)
// The native compiler; the package “typescript” is the older one, which other tools read sources with.
const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc')
const checks = [
  ['types', tsc, ['-p', '.']],
  ['types of the console', tsc, ['-p', 'packages/console']],
  ['lint and format', bin('biome'), ['check', '.']],
  [
    'architecture',
    runtime,
    ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', '--config', '.dependency-cruiser.mjs', 'packages'],
  ],
  ['licences', process.execPath, ['scripts/licences.mjs']],
  ['dead code', runtime, ['node_modules/knip/bin/knip.js']],
]
const failed = []
for (const [name, command, args] of checks) {
  const begun = Date.now()
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
  if (status !== 0) failed.push(name)
}
if (failed.length > 0) {
  console.error(`These checks failed: ${failed.join(', ')}`)
  process.exit(1)
}
