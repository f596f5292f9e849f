import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CommandLine, openCommandLine } from './command-line.ts'

let cli: CommandLine
before(async () => {
  cli = await openCommandLine()
})
after(() => cli[Symbol.asyncDispose]())

test('A mistyped command is answered with the nearest one and the exit status of wrong usage', async () => {
  const { code, err } = await cli.run(['deply', 'list'])
  assert.equal(code, 2)
  assert.match(err, /Did you mean deploy\?/)
})

test('A missing argument or option is wrong usage', async () => {
  for (const args of [
    ['product', 'create'],
    ['product', 'create', 'x'],
    ['deploy', 'abort-all'],
    ['restore', 'x.tar'],
    ['completion', 'fish'],
  ]) {
    assert.equal((await cli.run(args)).code, 2, args.join(' '))
  }
})

test('Who is not signed in is told how to sign in', async () => {
  const { code, err } = await cli.run(['device', 'list'])
  assert.equal(code, 4)
  assert.match(err, /holdfast login/)
  const json = await cli.run(['device', 'list', '--json'])
  assert.equal(JSON.parse(json.err).code, 'cli.not_signed_in')
  assert.equal(json.out, '')
})

test('A server that cannot be reached has an exit status of its own', async () => {
  const env = { HOLDFAST_URL: 'https://127.0.0.1:9', HOLDFAST_TOKEN: 'hf_x' }
  const { code, err } = await cli.run(['overview'], { env })
  assert.equal(code, 7)
  assert.match(err, /cannot be reached/)
})

test('Every command explains itself', async () => {
  const { code, out } = await cli.run(['--help'])
  assert.equal(code, 0)
  const names = [...out.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map((match) => match[1] ?? '')
  assert.ok(names.length > 25, names.join(' '))
  for (const name of ['deploy', 'release', 'server', 'quick-start']) {
    const help = await cli.run([name, '--help'])
    assert.equal(help.code, 0)
    assert.match(help.out, /Usage: holdfast/)
  }
})

test('The completion script completes commands, subcommands and options in bash and zsh', async (t) => {
  for (const shell of ['bash', 'zsh'] as const) {
    if (spawnSync(shell, ['--version']).error !== undefined) {
      t.diagnostic(`${shell} is not installed`)
      continue
    }
    const { out } = await cli.run(['completion', shell])
    const script = join(cli.directory, `completion.${shell}`)
    await writeFile(script, out)
    const complete = (words: string) =>
      `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _holdfast; echo "\${COMPREPLY[@]}"`
    const lines = [complete('holdfast dep'), complete('holdfast deploy op'), complete('holdfast deploy create x --gr')]
    const emulate = shell === 'zsh' ? 'emulate -L sh; setopt kshglob noshglob braceexpand' : ':'
    const body = `source ${script}\ncheck() { ${emulate}\n${lines.join('\n')}\n}\ncheck`
    const said = spawnSync(shell, ['-c', body], { encoding: 'utf8' })
    assert.deepEqual(said.stdout.trim().split('\n'), ['deploy', 'open-phase', '--group'], `${shell}: ${said.stderr}`)
  }
})
