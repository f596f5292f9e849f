import { readFileSync } from 'node:fs'
import type { Command } from 'commander'

const template = new URL('completion.bash.txt', import.meta.url)
const heads = {
  bash: '# holdfast completion for bash; in ~/.bashrc: source <(holdfast completion bash)\n',
  // zsh runs bash completions through a bridge of its own.
  zsh: '# holdfast completion for zsh; in ~/.zshrc: source <(holdfast completion zsh)\nautoload -Uz compinit bashcompinit\ncompinit -u\nbashcompinit\n',
}

/** A completion script made from the commands themselves, so that it cannot fall behind them. */
export function completionScript(program: Command, shell: 'bash' | 'zsh'): string {
  const paths = commandPaths(program)
  const known = `|${paths.map(({ path }) => path).join('|')}|`
  const cases = paths.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n')
  const script = readFileSync(template, 'utf8').replace('@KNOWN@', known).replace('@CASES@', cases)
  return heads[shell] + script
}

/** Every command with what may follow it: its subcommands and options. */
function commandPaths(command: Command, path: readonly string[] = []): { path: string; words: string[] }[] {
  const flags = [...command.options.map((option) => option.long ?? ''), '--json', '--help'].filter(
    (flag) => flag !== '',
  )
  const words = [...command.commands.map((each) => each.name()), ...new Set(flags)]
  return [
    { path: path.join(' '), words },
    ...command.commands.flatMap((each) => commandPaths(each, [...path, each.name()])),
  ]
}
