import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'

process.stdout.on('error', (error) => {
  // Whoever reads us has seen enough.
  if ('code' in error && error.code === 'EPIPE') process.exit(0)
  throw error
})
try {
  await createProgram().parseAsync(process.argv)
} catch (thrown) {
  process.exitCode = reportFailure(thrown, process.argv.includes('--json'))
}
