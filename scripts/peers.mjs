// The third-party programs that the tests talk to. On Debian, as root, they are installed; elsewhere their suites skip.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

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
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', '-y', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Services must not be started by their installation: the tests start what they need.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    }).status === 0
  apt('update')
  for (const name of names) {
    if (!apt('install', '--no-install-recommends', name))
      console.log(`${name} could not be installed; its suites will be skipped`)
  }
}
