import { join } from 'node:path'
import { startApp } from '@holdfast/server/app'
import { readConfig } from '@holdfast/server/config'
import { createLog } from '@holdfast/server/platform/log/log'
import { fingerprintOf } from '../first-contact.ts'
import { overridesOf, type ServerOptions } from '../local/server-options.ts'
import { toned } from '../output.ts'
import { whenStopped } from '../stop-signal.ts'
import { type Demo, mayDemo, startDemo } from './demo.ts'

export async function quickStart(options: ServerOptions & { empty?: boolean }): Promise<void> {
  const begun = Date.now()
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const stop = whenStopped()
  const config = readConfig(process.env, overridesOf(options))
  // People read this terminal: of the server’s own log it shows what went wrong.
  const app = await startApp({ config, log: createLog(process.env.HOLDFAST_LOG_LEVEL ?? 'error') })
  let demo: Demo | undefined
  try {
    const seconds = ((Date.now() - begun) / 1000).toFixed(1)
    say(`${toned('strong', 'Holdfast')} is ready after ${seconds} s; everything is kept in ${config.data}`)
    const link = await app.setupLink()
    if (link === undefined) say(`  console    ${app.apiUrl}`)
    else
      say(
        `  set up     ${toned('strong', link)}\n             (makes the first owner; works once, until the next start)`,
      )
    say(`  devices    ${app.deviceUrl}`)
    say(`  authority  ${join(config.data, 'ca.crt')}`)
    say(`             SHA-256 ${fingerprintOf(app.foundation.tls.authority)}`)
    say(`  terminal   npx holdfast login ${app.apiUrl} --ca ${join(config.data, 'ca.crt')}`)
    const directory = join(config.data, 'demo')
    if (options.empty !== true && (await mayDemo(app, directory))) {
      say('')
      demo = await startDemo({ app, directory, say, signal: stop.signal })
      await demo.finished
      say(
        `Look at it in the console: ${app.apiUrl}/deployments, or on disk: ls -l ${join(directory, 'devices')}/*/root`,
      )
    }
    say(toned('dim', 'Press Ctrl-C to stop.'))
    await stop.asked
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown
  } finally {
    if (stop.signal.aborted) say('Stopping: letting what is under way finish …')
    await Promise.all((demo?.devices ?? []).map((device) => device.stop()))
    await app.stop()
  }
  say('Stopped.')
}
