// The third-party programs that the tests talk to. On Debian, as root, they are installed; elsewhere their suites skip.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

const packages = {
  'mender-client': '/usr/bin/mender',
  'mender-artifact': '/usr/bin/mender-artifact',
  swupdate: '/usr/bin/swupdate',
  openssl: '/usr/bin/openssl',
  chromium: '/usr/bin/chromium',
  'fonts-dejavu-core': '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  'postgresql-15': '/usr/lib/postgresql/15/bin/postgres',
  'python3-swift': '/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py',
  'util-linux': '/usr/bin/unshare',
}

export function ensurePeers() {
  const missing = Object.entries(packages).filter(([, file]) => !existsSync(file))
  if (missing.length === 0) return
  const names = missing.map(([name]) => name)
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    console.log(`Not installed, and this is not root on Debian, so their suites will be skipped: ${names.join(', ')}`)
    return
  }
  console.log(`Installing the programs that the tests talk to: ${names.join(', ')} …`)
  const allowServices = forbidServices()
  try {
    apt('update')
    if (!apt('install', '--no-install-recommends', ...names)) {
      for (const name of names) {
        if (!apt('install', '--no-install-recommends', name))
          console.log(`${name} could not be installed; its suites will be skipped`)
      }
    }
  } finally {
    allowServices()
  }
  // Its package has it start with the machine, where it would look for a server of its maker.
  if (names.includes('mender-client')) spawnSync('systemctl', ['disable', 'mender-client'], { stdio: 'ignore' })
}

function apt(...args) {
  const done = spawnSync('apt-get', ['-q', '-y', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return done.status === 0
}

/** Keeps packages from starting services (Debian's policy-rc.d): the tests start what they need. Answers how to allow it again. */
function forbidServices() {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return () => {}
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  return () => rmSync(policy, { force: true })
}
