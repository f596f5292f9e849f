// A whole server as a process of its own, for tests that kill it. Prints one line when it is ready; SIGTERM drains it.
import { startApp } from '@holdfast/server/app'
import { readConfig } from '@holdfast/server/config'
import { createLog } from '@holdfast/server/platform/log/log'

const config = readConfig({}, JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>)
const app = await startApp({ config, log: createLog(config.log.level) })
const { apiUrl, deviceUrl, metricsPort } = app
const authority = app.foundation.tls.authority
const setupLink = await app.setupLink().catch(() => undefined)
process.once('SIGTERM', () => {
  void app.stop().then(() => process.exit(0))
})
process.stdout.write(`READY ${JSON.stringify({ apiUrl, deviceUrl, metricsPort, authority, setupLink })}\n`)
