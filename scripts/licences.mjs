// Lists the licences of everything that the product depends on, and refuses those that commercial use cannot live with.
// `node scripts/licences.mjs --write` renews docs/licences.md; without it, an outdated list is an error.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const file = join(root, 'docs', 'licences.md')
const acceptable = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'MIT-0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
  'OFL-1.1',
  'MPL-2.0',
]

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
const rows = new Map()
const refused = []
for (const [path, entry] of Object.entries(packages)) {
  if (!path.includes('node_modules/') || entry.dev === true || entry.link === true) continue
  const name = path.split('node_modules/').at(-1)
  if (name.startsWith('@holdfast/')) continue
  const licence = entry.license ?? licenceOf(path)
  if (licence === undefined && entry.optional === true) continue
  if (!isAcceptable(licence)) refused.push(`${name}: ${licence ?? 'unknown'}`)
  rows.set(`${name} ${entry.version}`, `| ${name} | ${entry.version} | ${licence} |`)
}
const text = `# Licences of what the product depends on

Made from the lock file by \`node scripts/licences.mjs --write\`; development tools are left out.

| package | version | licence |
| --- | --- | --- |
${[...rows.values()].sort().join('\n')}
`
if (refused.length > 0) {
  console.error(`Licences that need a decision: ${refused.join(', ')}`)
  process.exit(1)
}
if (process.argv.includes('--write')) writeFileSync(file, text)
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('docs/licences.md is out of date: run node scripts/licences.mjs --write')
  process.exit(1)
}

/** Older lock entries name no licence. */
function licenceOf(path) {
  const manifest = join(root, path, 'package.json')
  if (!existsSync(manifest)) return undefined
  const { license, licenses } = JSON.parse(readFileSync(manifest, 'utf8'))
  return typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type)
}

function isAcceptable(licence) {
  if (typeof licence !== 'string') return false
  const choices = licence.replace(/[()]/g, '').split(' OR ')
  return choices.some((choice) => choice.split(' AND ').every((part) => acceptable.includes(part.trim())))
}
