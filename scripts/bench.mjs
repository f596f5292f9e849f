// `npm run bench [name…] [--json]`: sets itself up, then measures the figures that this project promises.
import { become, ensureInstalled, runtime } from './setup.mjs'

ensureInstalled()
become(runtime, ['--disable-warning=ExperimentalWarning', 'packages/lab/bench/main.ts', ...process.argv.slice(2)])
