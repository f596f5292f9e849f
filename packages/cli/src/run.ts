import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'

/** Runs one command line to its end; answers the exit status. */
export async function run(args: readonly string[]): Promise<number | undefined> {
  process.stdout.on('error', (error) => {
    // Whoever reads us has seen enough.
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    await createProgram().parseAsync(args)
    return undefined
  } catch (thrown) {
    return reportFailure(thrown, args.includes('--json'))
  }
}
