// `npm start`: sets itself up, then runs the quick start. `npm start -- --empty` leaves the demo out.
import { become, ensureConsoleBuilt, ensureInstalled, runtime } from './setup.mjs'

ensureInstalled()
ensureConsoleBuilt()
become(runtime, ['--max-semi-space-size=8', 'packages/cli/src/main.ts', 'quick-start', ...process.argv.slice(2)])
